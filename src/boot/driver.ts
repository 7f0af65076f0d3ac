import { randomBytes } from 'node:crypto';
import { accessSync, constants, statSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { MobulaError } from '../common/errors.ts';
import type { ResolvedInitOptions } from '../common/init-options.ts';
import { badOption } from '../common/options.ts';
import { setCurrentRuntime } from '../core/current.ts';
import { loaderSetup } from '../core/functions/loader.ts';
import type { NewsHandler } from '../core/port/inbox.ts';
import { event } from '../core/port/wire.ts';
import { type NodeFacts, ThreadRuntime } from '../core/runtime.ts';
import { ResourceTable } from '../core/submit/resources.ts';
import { loadCapture } from '../core/submit/ship.ts';
import { collect } from '../core/values/collector.ts';
import { type SharedThing, SharedThings } from '../core/values/shared-things.ts';
import { thingHost } from '../core/values/thing-host.ts';
import { travel } from '../core/values/travel.ts';
import type { GcsClient } from '../gcs/client.ts';
import { embeddedGcs } from '../gcs/embedded.ts';
import type { Addon } from '../native/addon.ts';
import { addon, nativeError } from '../native/binding.ts';
import { type Ending, type WorkerAssignment, WorkerPool } from '../workers/worker-pool.ts';
import { NodeChannels } from './channels.ts';
import type { WorkerBrief } from './facts.ts';

/** What every worker thread runs. */
const WORKER_FILE = fileURLToPath(new URL('./worker.js', import.meta.url));

/** A node with its driver: everything one `init()` brings up. */
export class DriverNode implements NewsHandler {
  readonly runtime: ThreadRuntime;
  readonly gcs: GcsClient;
  readonly channels: NodeChannels;
  readonly options: ResolvedInitOptions;
  readonly #addon: Addon;
  readonly #pool: WorkerPool;
  readonly #things = new SharedThings();
  /** Closes the line over which a thread gets what it cannot be told. */
  readonly #hangUp = new Map<Int32Array, () => void>();
  #threads = 0;
  #drained: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  #stopped = false;

  /** Starts a node; its threads come up in the background. */
  constructor(options: ResolvedInitOptions) {
    // Before there is anything to undo, should it fail.
    loadCapture();
    this.#addon = addon;
    this.options = options;
    checkSpillDirectory(options.spillDirectory);
    const facts = nodeFacts(options);
    const resources = new ResourceTable(facts.totals);
    try {
      addon.start({
        cpu: resources.cpu(),
        others: resources.others(),
        sharedHosts: Math.max(1, Math.ceil(options.numCpus)),
        storeCapacity: options.objectStoreMemory,
        spillDirectory: options.spillDirectory ?? tmpdir(),
      });
    } catch (error) {
      throw nativeError(error);
    }
    try {
      this.runtime = this.#attach(facts);
    } catch (error) {
      addon.stop();
      throw error;
    }
    this.channels = new NodeChannels(this.runtime);
    // One step without news, so that the core knows that this thread sleeps and has to be rung.
    this.runtime.port.drain(this.runtime.inbox);
    this.gcs = embeddedGcs(addon, this.runtime.port.id);
    this.#pool = new WorkerPool({
      workerFile: WORKER_FILE,
      brief: (assignment) => this.#brief(assignment),
      greet: (assignment) => this.channels.started(assignment),
      bury: (assignment, details, ending) => this.#bury(assignment, details, ending),
      abandon: (port, details) => this.#abandon(port, details),
      giveUp: (reason) => this.#giveUp(reason),
    });
    // Tasks may ask for no CPU at all, so there is always a thread for them.
    this.#pool.startWorkers(Math.max(1, Math.ceil(options.numCpus)));
    const { nodeId } = facts;
    this.gcs.nodes.put(nodeId, { nodeId, alive: true, host: hostname(), pid: process.pid, resources: facts.totals });
    setCurrentRuntime(this.runtime);
  }

  #attach(facts: NodeFacts): ThreadRuntime {
    const runtime = new ThreadRuntime(addon, 0, -1, facts, travel, this.#things, () => {
      runtime.port.drain(runtime.inbox);
      this.channels.look();
    });
    this.#things.begin(thingHost(runtime), []);
    runtime.inbox.handleNews(this);
    return runtime;
  }

  #brief(assignment: WorkerAssignment): WorkerBrief {
    const things = (): readonly SharedThing[] => this.#things.all();
    const hub = `mobula:hub:${this.runtime.facts.nodeId}:${this.#threads++}`;
    this.#hangUp.set(assignment.port, this.#things.connect(hub));
    const brief = { ...assignment, facts: this.runtime.facts, loader: loaderSetup(), hub };
    // Read when the thread is ready: what is shared until then must not be missed.
    return Object.defineProperty(brief, 'things', { get: things, enumerable: true }) as WorkerBrief;
  }

  #bury(assignment: WorkerAssignment, details: string, { blame, expected }: Ending): void {
    // A thread that hung may end after all else; another runtime may be up by then.
    if (this.#stopped) return;
    this.#hangUp.get(assignment.port)?.();
    this.#hangUp.delete(assignment.port);
    const port = Atomics.load(assignment.port, 0) - 1;
    this.#addon.bury(port, details, blame);
    this.channels.exited(assignment, details, expected);
  }

  #abandon(port: number, details: string): void {
    if (this.#stopped) return;
    this.#addon.abandon(port, details);
    if (this.#closing !== undefined) return;
    const advice = 'Its tasks were ended and another thread is in its place, but the process cannot exit before it.';
    process.emitWarning(`A worker thread is lost: ${details}. ${advice}`, 'MobulaWarning');
  }

  #giveUp(reason: unknown): void {
    const why = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
    this.options.logger?.error({ err: reason }, 'mobula cannot start worker threads');
    process.emitWarning(`mobula cannot start worker threads, and fails all tasks: ${why}`, 'MobulaWarning');
    // Nothing would run any more: what waits is failed, and later calls are refused.
    void this.close(0);
  }

  handle(kind: number, pos: number): number {
    const view = this.runtime.port.inboxView;
    const word = (at: number): number => view.getUint32(pos + at, true);
    switch (kind) {
      case event.needWorker:
        this.#pool.startHost(word(4));
        return pos + 8;
      case event.deadline:
        this.#deadline(word(4), word(8), word(12), word(16));
        return pos + 20;
      case event.collect:
        collect();
        return pos + 4;
      case event.idle:
        this.#drained?.();
        return pos + 4;
      case event.retireHost:
        this.#pool.retireHost(word(4));
        return pos + 8;
      case event.killPort:
        this.#pool.stopPort(word(4));
        return pos + 8;
      default:
        throw new MobulaError('ERR_MOBULA_INTERNAL', `unknown news of kind ${kind}`);
    }
  }

  /** Stops an attempt that is still under way when its time is up. */
  #deadline(index: number, generation: number, attempt: number, milliseconds: number): void {
    setTimeout(() => {
      if (this.runtime.closed) return;
      const port = this.#addon.expire(index, generation, attempt);
      if (port >= 0) this.#pool.stopPort(port);
    }, milliseconds).unref();
  }

  /** Worker threads. */
  get workers(): number {
    return this.#pool.size;
  }

  /** Drains, for at most `timeoutMs`, then stops everything. Idempotent. */
  close(timeoutMs: number | undefined): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number | undefined): Promise<void> {
    this.runtime.port.flush();
    await this.#drain(timeoutMs);
    this.#addon.failAll();
    // The failures above reach their waiters.
    this.runtime.port.drain(this.runtime.inbox);
    await this.#pool.close();
    this.runtime.close();
    setCurrentRuntime(undefined);
    this.#stopped = true;
    this.#addon.stop();
    this.#things.close();
  }

  #drain(timeoutMs: number | undefined): Promise<void> {
    if (timeoutMs === 0 || this.#addon.drain()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#addon.keepAlive(this.runtime.port.id, true);
      const done = (): void => {
        clearTimeout(timer);
        this.#addon.keepAlive(this.runtime.port.id, false);
        resolve();
      };
      const timer = timeoutMs === undefined ? undefined : setTimeout(done, timeoutMs);
      this.#drained = done;
    });
  }
}

/** Objects are spilled late; that they cannot be is said early. */
function checkSpillDirectory(directory: string | undefined): void {
  if (directory === undefined) return;
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    if (statSync(directory).isDirectory()) return;
  } catch {
    // Told below.
  }
  throw badOption('spillDirectory', directory, 'an existing directory that this process may write to');
}

function nodeFacts(options: ResolvedInitOptions): NodeFacts {
  const totals: Record<string, number> = { CPU: options.numCpus, memory: options.memory, ...options.resources };
  if (options.numGpus > 0) totals['GPU'] = options.numGpus;
  return {
    nodeId: randomBytes(14).toString('hex'),
    jobId: randomBytes(4).toString('hex'),
    namespace: options.namespace,
    totals,
  };
}
