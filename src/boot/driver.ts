import { accessSync, constants, statSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MobulaError } from '../common/errors.ts';
import type { ResolvedInitOptions } from '../common/init-options.ts';
import { badOption } from '../common/options.ts';
import { Timer } from '../common/timers.ts';
import { setCurrentRuntime } from '../core/current.ts';
import { loaderSetup } from '../core/functions/loader.ts';
import type { NodeFacts } from '../core/node-facts.ts';
import type { NewsHandler } from '../core/port/inbox.ts';
import { event } from '../core/port/wire.ts';
import { ThreadRuntime } from '../core/runtime.ts';
import { ResourceTable } from '../core/submit/resources.ts';
import { collect } from '../core/values/collector.ts';
import { SharedThings } from '../core/values/shared-things.ts';
import { thingHost } from '../core/values/thing-host.ts';
import { travel } from '../core/values/travel.ts';
import { namesOf } from '../core/wait/reasons.ts';
import type { GcsClient, NodeInfo } from '../gcs/client.ts';
import { embeddedGcs } from '../gcs/embedded.ts';
import { NodeReplica } from '../gcs/replica.ts';
import type { Addon } from '../native/addon.ts';
import { addon } from '../native/binding.ts';
import { nativeError } from '../native/native-error.ts';
import { threadState, type WorkerAssignment } from '../workers/assignment.ts';
import { heapLimits } from '../workers/heap-limits.ts';
import { Output } from '../workers/output/output.ts';
import { type Ending, WorkerPool } from '../workers/worker-pool.ts';
import { NodeChannels } from './channels.ts';
import { codeCache } from './compiled.ts';
import { Draining } from './draining.ts';
import type { WorkerBrief } from './facts.ts';
import { SlowWaits } from './slow-waits.ts';

const own = fileURLToPath(import.meta.url);
/** What every worker thread runs: the file beside this one, of its kind. */
const WORKER_FILE = join(dirname(own), `worker${extname(own)}`);

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
  readonly #slowWaits: SlowWaits;
  readonly #draining: Draining;
  readonly #output: Output;
  /** Why it closes, if nobody asked for it. */
  #problem = '';
  #closing: Promise<void> | undefined;
  #stopped = false;

  /** Starts a node; its threads come up in the background. */
  constructor(options: ResolvedInitOptions) {
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
    const { port } = this.runtime;
    this.#slowWaits = new SlowWaits(() => addon.slowWaits(port.id), namesOf(this.runtime), options.logger);
    this.channels = new NodeChannels(this.runtime);
    this.#draining = new Draining(this.runtime);
    this.#output = new Output(facts);
    this.runtime.inbox.beforeNews = this.#output.drain;
    // One step without news, so that the core knows that this thread sleeps and has to be rung.
    this.runtime.port.drain(this.runtime.inbox);
    this.gcs = embeddedGcs();
    this.#pool = new WorkerPool({
      workerFile: WORKER_FILE,
      code: codeCache,
      brief: (assignment) => this.#brief(assignment),
      greet: (assignment) => this.channels.started(assignment),
      hangUp: ({ state }) => this.#hangUpOn(state),
      bury: (assignment, details, ending) => this.#bury(assignment, details, ending),
      abandon: (port, details) => this.#abandon(port, details),
      giveUp: (reason) => this.#giveUp(reason),
      output: () => this.#output.begin(),
      limits: heapLimits(options.memory, Math.ceil(options.numCpus)),
    });
    // Tasks may ask for no CPU at all, so there is always a thread for them.
    this.#pool.startWorkers(Math.max(1, Math.ceil(options.numCpus)));
    this.#register(facts);
    setCurrentRuntime(this.runtime);
  }

  /** Enters this node into the node table. The copy that `nodes()` reads has it at once. */
  #register({ nodeId, totals: resources }: NodeFacts): void {
    const { labels } = this.options;
    const row: NodeInfo = { nodeId, alive: true, driver: true, host: hostname(), pid: process.pid, resources, labels };
    const replica = new NodeReplica(addon, this.runtime.port.id);
    replica.set(nodeId, row);
    void this.gcs.nodes.put(nodeId, row);
    void replica.follow(this.gcs.nodes);
  }

  #attach(facts: NodeFacts): ThreadRuntime {
    const runtime = new ThreadRuntime(addon, 0, -1, facts, travel, this.#things, () => this.#rung());
    this.#things.begin(thingHost(runtime), []);
    runtime.inbox.handleNews(this);
    runtime.port.onRefused = (error) => this.#refused(error);
    return runtime;
  }

  #rung(): void {
    this.#output.drain();
    this.runtime.port.drain(this.runtime.inbox, this.#hasRead);
    this.channels.look();
    this.#pool.look();
    this.#hasRead();
  }

  /** News were read, perhaps the last there are: nothing in flight may be waiting for anything but a reader. */
  readonly #hasRead = (): void => {
    if (this.#closing !== undefined) this.#draining.look();
  };

  #brief(assignment: WorkerAssignment): WorkerBrief {
    const { argv, execArgv, env } = process;
    const program = { argv, execArgv, nodeOptions: env['NODE_OPTIONS'] };
    const hub = `mobula:hub:${this.runtime.facts.nodeId}:${this.#threads++}`;
    this.#hangUp.set(assignment.state, this.#things.connect(hub));
    const things = this.#things.all();
    return { ...assignment, facts: this.runtime.facts, things, loader: loaderSetup(), hub, ...program };
  }

  /** Closes the line to a thread that has ended. */
  #hangUpOn(thread: Int32Array): void {
    // The end closes all lines.
    if (!this.#stopped) this.#hangUp.get(thread)?.();
    this.#hangUp.delete(thread);
  }

  #bury(assignment: WorkerAssignment, details: string, { blame, expected }: Ending): void {
    // A thread that hung may end after all else; another runtime may be up by then.
    if (this.#stopped) return;
    const port = Atomics.load(assignment.state, threadState.port) - 1;
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

  /** The core does not serve this thread any more: nothing that it waits for would come. */
  #refused(reason: unknown): void {
    this.options.logger?.error({ err: reason }, 'mobula stops after a mistake of its own');
    process.emitWarning(`mobula stops after a mistake of its own: ${String(reason)}`, 'MobulaWarning');
    void this.close(0);
  }

  #giveUp(reason: unknown): void {
    const why = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
    const message = reason instanceof Error ? reason.message : String(reason);
    this.#problem = `mobula cannot start worker threads: ${message}. Mend that, and call init() again.`;
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
      case event.collect:
        collect();
        return pos + 4;
      case event.slowWaits:
        this.#slowWaits.tell();
        return pos + 4;
      case event.idle:
        this.#draining.finish();
        return pos + 4;
      case event.retireHost:
        this.#pool.retireHost(word(4));
        return pos + 8;
      case event.killPort:
        if (this.#addon.mustEnd(word(4), word(8), word(12))) this.#pool.stopPort(word(4));
        return pos + 16;
      default:
        throw new MobulaError('ERR_MOBULA_INTERNAL', `unknown news of kind ${kind}`);
    }
  }

  /** Why it closes, if nobody asked for it; else empty. */
  get problem(): string {
    return this.#problem;
  }

  /** Worker threads. */
  get workers(): number {
    return this.#pool.size;
  }

  /**
   * Drains, for at most `timeoutMs`, then stops everything. Idempotent: a later call can only bring the end nearer.
   * A promise of it keeps the program alive.
   */
  close(timeoutMs: number | undefined): Promise<void> {
    if (timeoutMs !== undefined) {
      this.#draining.limit(timeoutMs);
      // Once more: what comes after the work in flight is to be over by then too.
      if (this.#closing !== undefined) this.#hurry(timeoutMs);
    }
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #hurry(timeoutMs: number): void {
    const timer = new Timer(timeoutMs, () => this.#pool.hurry());
    const done = (): void => timer.cancel();
    this.#closing?.then(done, done);
  }

  async #close(): Promise<void> {
    const { keepAlive, port, inbox } = this.runtime;
    keepAlive.hold(this);
    port.flush();
    this.#draining.begin();
    await this.#draining.over;
    this.#addon.failAll(this.#problem);
    // The failures above reach their waiters.
    port.drain(inbox);
    this.#addon.stopActors();
    await this.#pool.close();
    await this.#output.close();
    keepAlive.release(this);
    this.runtime.close(this.#problem);
    setCurrentRuntime(undefined);
    this.#stopped = true;
    this.#addon.stop();
    this.#things.close();
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
  // Loaded here: no worker needs it, and each would take 0.4 MiB for it.
  const { randomBytes } = process.getBuiltinModule('node:crypto');
  const totals: Record<string, number> = { CPU: options.numCpus, memory: options.memory, ...options.resources };
  if (options.numGpus > 0) totals['GPU'] = options.numGpus;
  return {
    nodeId: randomBytes(8).toString('hex'),
    jobId: randomBytes(4).toString('hex'),
    namespace: options.namespace,
    checkCaptures: options.checkCaptures,
    totals,
    cluster: undefined,
  };
}
