import { hostname } from 'node:os';
import { pack } from '../common/bundle.ts';
import { MobulaError } from '../common/errors.ts';
import type { ResolvedInitOptions } from '../common/init-options.ts';
import { Timer } from '../common/timers.ts';
import { setCurrentRuntime } from '../core/current.ts';
import { loaderSetup } from '../core/functions/loader.ts';
import type { NodeFacts } from '../core/node-facts.ts';
import type { NewsHandler } from '../core/port/inbox.ts';
import { event } from '../core/port/wire.ts';
import { ThreadRuntime } from '../core/runtime.ts';
import type { Totals } from '../core/submit/resources.ts';
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
import { threadState, type WorkerAssignment } from '../workers/assignment.ts';
import { Output } from '../workers/output/output.ts';
import type { Ending, WorkerPool } from '../workers/worker-pool.ts';
import { NodeChannels } from './channels.ts';
import { Draining } from './draining.ts';
import type { WorkerBrief } from './facts.ts';
import { randomHex } from './random.ts';
import { SlowWaits } from './slow-waits.ts';

/** A node with its driver: everything one `init()` brings up. */
export class DriverNode implements NewsHandler {
  readonly runtime: ThreadRuntime;
  readonly gcs: GcsClient;
  readonly channels: NodeChannels;
  readonly options: ResolvedInitOptions;
  readonly #addon: Addon;
  readonly #pool: WorkerPool;
  readonly #things = new SharedThings();
  /** Ends what was set up for a thread: its line, and the memory for its output. */
  readonly #hangUp = new Map<Int32Array, () => void>();
  #threads = 0;
  readonly #slowWaits: SlowWaits;
  readonly #draining: Draining;
  readonly #output: Output;
  /** Why it closes, if nobody asked for it. */
  #problem = '';
  #closing: Promise<void> | undefined;
  #stopped = false;

  /** For a core that is started, and threads that come up. */
  constructor(options: ResolvedInitOptions, totals: Totals, pool: WorkerPool) {
    this.#addon = addon;
    this.options = options;
    this.#pool = pool;
    const facts = nodeFacts(options, totals);
    this.runtime = this.#attach(facts);
    const { port } = this.runtime;
    this.#slowWaits = new SlowWaits(() => addon.slowWaits(port.id), namesOf(this.runtime), options.logger);
    this.channels = new NodeChannels(this.runtime);
    this.#draining = new Draining(this.runtime);
    this.#output = new Output(facts);
    this.runtime.inbox.beforeNews = this.#output.drain;
    // One step without news, so that the core knows that this thread sleeps and has to be rung.
    this.runtime.port.drain(this.runtime.inbox);
    this.gcs = embeddedGcs();
    this.#register(facts);
    pool.serve({
      // Packed when it is asked for: what has run in this thread by then need not be compiled in the other.
      code: () => pack('worker'),
      brief: (assignment) => this.#brief(assignment),
      greet: (assignment) => this.channels.started(assignment),
      hangUp: ({ state }) => this.#hangUpOn(state),
      bury: (assignment, details, ending) => this.#bury(assignment, details, ending),
      abandon: (port, details) => this.#abandon(port, details),
      giveUp: (reason) => this.#giveUp(reason),
    });
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
    const disconnect = this.#things.connect(hub);
    const { memory: output, end } = this.#output.begin();
    this.#hangUp.set(assignment.state, () => {
      // What it has written comes before the failures of what it ran.
      end();
      // The end closes all lines.
      if (!this.#stopped) disconnect();
    });
    const things = this.#things.all();
    return { ...assignment, output, facts: this.runtime.facts, things, loader: loaderSetup(), hub, ...program };
  }

  /** A thread has ended. */
  #hangUpOn(thread: Int32Array): void {
    this.#hangUp.get(thread)?.();
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

function nodeFacts(options: ResolvedInitOptions, totals: Totals): NodeFacts {
  return {
    nodeId: randomHex(14),
    jobId: randomHex(4),
    namespace: options.namespace,
    checkCaptures: options.checkCaptures,
    totals,
  };
}
