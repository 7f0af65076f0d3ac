import type { DriverNode } from '../boot/driver.ts';
import type { Joined } from '../boot/join.ts';
import { joinCluster, startDriver } from '../boot/start-driver.ts';
import { MobulaError, RuntimeClosedError } from '../common/errors.ts';
import {
  type InitOptions,
  type ResolvedClusterOptions,
  type ResolvedInitOptions,
  resolveInitOptions,
} from '../common/init-options.ts';
import { badOption, checkKnown } from '../common/options.ts';
import { currentRuntime, refuseOtherCopy, setStarter } from '../core/current.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import { addon } from '../native/binding.ts';

/** What `shutdown` takes. */
export interface ShutdownOptions {
  /** Milliseconds that work in flight gets to end; after that its refs reject. Default: without end. */
  readonly timeoutMs?: number;
}

/** How full the object store is, in bytes. */
export interface StoreUsage {
  /** The most that may be in memory. */
  readonly capacity: number;
  /** What is in memory. */
  readonly used: number;
  /** What is on disk. */
  readonly spilled: number;
}

/** What a runtime has to do and holds right now. */
export interface RuntimeStats {
  /** Tasks, calls of actors included, that have not ended. */
  readonly tasks: number;
  /** Worker threads, those that are still starting included. */
  readonly workers: number;
  /** How full the object store is. */
  readonly store: StoreUsage;
}

let node: DriverNode | undefined;
/** Set by `shutdown`: from then on only `init` starts a runtime again. */
let shut = false;

/** Set while a cluster is taking this process in. */
let joining: Promise<DriverNode> | undefined;

function resolve(options: InitOptions): ResolvedInitOptions {
  const address = options.address ?? (process.env['MOBULA_ADDRESS']?.trim() || undefined);
  const asked = address === undefined ? options : { ...options, address };
  return resolveInitOptions(asked, { cpus: addon.usableCpus(), memory: addon.memoryLimit() });
}

function start(options: ResolvedInitOptions, joined?: Joined): DriverNode {
  shut = false;
  node = startDriver(options, joined);
  return node;
}

/** A program whose own work is done leaves its cluster before it ends. */
function leave(): void {
  if (node?.runtime.facts.cluster !== undefined) void shutdown();
}

/** Has a cluster take this process in, and starts the driver's node there. */
async function startIn(cluster: ResolvedClusterOptions, options: ResolvedInitOptions): Promise<DriverNode> {
  const begun = joinCluster(options, cluster).then((joined) => {
    process.off('beforeExit', leave).on('beforeExit', leave);
    return start(options, joined);
  });
  joining = begun;
  try {
    return await begun;
  } finally {
    joining = undefined;
  }
}

/** Waits until a cluster has taken this process in, or has not: whoever asked for that is told why. */
async function joined(): Promise<void> {
  await joining?.catch(() => undefined);
}

setStarter((): ThreadRuntime => {
  // A node that gave up is closed, not absent.
  if (shut || node !== undefined) throw new RuntimeClosedError(node?.problem || undefined);
  const options = resolve({});
  if (joining !== undefined || options.cluster !== undefined) {
    const advice = 'Call `await init()` first, and go on when it has resolved.';
    throw new MobulaError('ERR_MOBULA_CLUSTER', `This program is to join a cluster. ${advice}`);
  }
  return start(options).runtime;
});

/** A runtime that is up. */
export class Runtime {
  /** The node's name. */
  readonly nodeId: string;
  /** Whether this call of `init` started it. */
  readonly #started: boolean;

  /** @internal */
  constructor(nodeId: string, started: boolean) {
    this.nodeId = nodeId;
    this.#started = started;
  }

  /**
   * How much work there is and how full the object store: for health checks and back-pressure.
   *
   * @throws {RuntimeClosedError} when the runtime is closed.
   * @example
   * const runtime = await init();
   * console.log(runtime.stats().tasks); // 0
   */
  stats(): RuntimeStats {
    if (node === undefined && currentRuntime() !== undefined) {
      throw new MobulaError('ERR_MOBULA_INVALID_ARGUMENT', 'Only the driver can ask a runtime for stats, not a task.');
    }
    if (node === undefined || node.runtime.closed || node.runtime.facts.nodeId !== this.nodeId) {
      throw new RuntimeClosedError();
    }
    const { port } = node.runtime;
    port.flush();
    const { capacity, used, spilled } = addon.storeStats(port.id);
    return { tasks: addon.liveTasks(), workers: node.workers, store: { capacity, used, spilled } };
  }

  /** Same as `shutdown`. */
  close(options?: ShutdownOptions): Promise<void> {
    return shutdown(options);
  }

  /**
   * For `await using runtime = await init()`: as `shutdown`, for the `Runtime` whose `init` started the runtime. One that
   * `ignoreReinit` gave leaves the runtime to the code that started it.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#started && node?.runtime.facts.nodeId === this.nodeId) await shutdown();
  }
}

function whereIsUp(): string {
  return node === undefined ? 'This code runs in a worker, which is part of a runtime' : 'A runtime is up';
}

/**
 * Starts a runtime. Optional: the first call of a remote function, or of `put`, starts one with the defaults. While a
 * `shutdown` is under way, it waits for its end first.
 *
 * @throws {MobulaError} `ERR_MOBULA_ALREADY_INITIALIZED` when one is up, unless `ignoreReinit` is set.
 * @throws {MobulaError} `ERR_MOBULA_INVALID_OPTION` naming the option.
 * @example
 * await init({ numCpus: 4, objectStoreMemory: '2GiB' });
 * console.log(isInitialized()); // true
 */
export async function init(options: InitOptions = {}): Promise<Runtime> {
  while (node !== undefined && shut) await node.close(undefined);
  while (joining !== undefined && options.ignoreReinit === true) await joined();
  const current = currentRuntime();
  if (current !== undefined || joining !== undefined) {
    if (options.ignoreReinit === true && current !== undefined) return new Runtime(current.facts.nodeId, false);
    const where = joining !== undefined ? 'A cluster is just taking this process in' : whereIsUp();
    const advice = 'Call init() once, call shutdown() first, or pass { ignoreReinit: true }.';
    throw new MobulaError('ERR_MOBULA_ALREADY_INITIALIZED', `${where}. ${advice}`);
  }
  refuseOtherCopy();
  const resolved = resolve(options);
  const { cluster } = resolved;
  const started = cluster === undefined ? start(resolved) : await startIn(cluster, resolved);
  return new Runtime(started.runtime.facts.nodeId, true);
}

/**
 * Waits for the work in flight, then stops all threads. After it, refs of before are closed, and only `init` starts a
 * runtime again. It keeps the program alive until then. A stream that nobody reads is not waited for: it is ended.
 *
 * Idempotent. A later call can bring the end nearer: `shutdown({ timeoutMs: 0 })` ends a shutdown that waits.
 */
export async function shutdown(options: ShutdownOptions = {}): Promise<void> {
  checkKnown(options, ['timeoutMs'], 'ShutdownOptions');
  const { timeoutMs } = options;
  if (timeoutMs !== undefined && !(Number.isFinite(timeoutMs) && timeoutMs >= 0)) {
    throw badOption('timeoutMs', timeoutMs, 'a number of milliseconds of at least 0');
  }
  while (joining !== undefined) await joined();
  if (node === undefined) {
    if (currentRuntime() !== undefined) {
      throw new MobulaError('ERR_MOBULA_INVALID_ARGUMENT', 'Only the driver can shut the runtime down, not a task.');
    }
    return;
  }
  const closing = node;
  shut = true;
  await closing.close(timeoutMs);
  if (node === closing) node = undefined;
}

/** Whether a runtime is up in this thread. */
export function isInitialized(): boolean {
  return currentRuntime() !== undefined;
}

/** @internal The node of the driver, where this thread is the driver. */
export function driverNode(): DriverNode | undefined {
  return node;
}
