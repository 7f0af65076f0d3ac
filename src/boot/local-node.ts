import { MobulaError } from '../common/errors.ts';
import type { NewsHandler } from '../core/port/inbox.ts';
import { event } from '../core/port/wire.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import type { SharedThings } from '../core/values/shared-things.ts';
import { Output, type OutputElsewhere } from '../workers/output/output.ts';
import type { WorkerPool } from '../workers/worker-pool.ts';
import { NodeChannels } from './channels.ts';
import { ThingLines } from './thing-lines.ts';
import { WorkerHost, type WorkerTroubles } from './worker-host.ts';

/**
 * The node that this process is, apart from any program: its worker threads, what they print, and their end. One thread of the
 * process serves it. The core of the process is up, and that thread is attached to it.
 */
export class LocalNode implements NewsHandler {
  readonly channels: NodeChannels;
  readonly #thread: ThreadRuntime;
  readonly #lines: ThingLines;
  readonly #output: Output;
  readonly #workers: WorkerHost;
  readonly #pool: WorkerPool;
  /** How many threads a job has. */
  readonly #threads: number;

  /**
   * `thread` is the runtime of the thread that serves the node, and `things` are what that thread shares. `pool`: its threads;
   * `threads`: how many each job has. `elsewhere`: set in a cluster.
   */
  constructor(
    thread: ThreadRuntime,
    things: SharedThings,
    pool: WorkerPool,
    threads: number,
    troubles: WorkerTroubles,
    elsewhere: OutputElsewhere | undefined,
  ) {
    this.#thread = thread;
    this.channels = new NodeChannels(thread);
    this.#output = new Output(thread.facts, elsewhere);
    this.#lines = new ThingLines(things, thread.facts.nodeId);
    const { channels } = this;
    this.#workers = new WorkerHost({ thread, channels, output: this.#output, lines: this.#lines }, troubles);
    this.#pool = pool;
    this.#threads = threads;
    thread.inbox.beforeNews = this.#output.drain;
  }

  /** Serves the worker threads, which come up meanwhile. */
  begin(): void {
    this.#workers.serve(this.#pool);
  }

  /** Worker threads. */
  get workers(): number {
    return this.#pool.size;
  }

  /** The bell of the thread that serves the node has rung. `read` reads its news. */
  rung(read: () => void): void {
    this.#output.drain();
    read();
    this.channels.look();
    this.#pool.look();
  }

  /** What the core asks of the node. */
  handle(kind: number, pos: number): number {
    const view = this.#thread.port.inboxView;
    const word = (at: number): number => view.getUint32(pos + at, true);
    switch (kind) {
      case event.needCrew:
        this.#pool.startWorkers(this.#threads, word(4));
        return pos + 8;
      case event.crewOver:
        this.#pool.endJob(word(4));
        return pos + 8;
      case event.needWorker:
        this.#pool.startHost(word(4));
        return pos + 8;
      case event.retireHost:
        this.#pool.retireHost(word(4));
        return pos + 8;
      case event.killPort:
        if (this.#thread.addon.mustEnd(word(4), word(8), word(12))) this.#pool.stopPort(word(4));
        return pos + 16;
      default:
        throw new MobulaError('ERR_MOBULA_INTERNAL', `unknown news of kind ${kind}`);
    }
  }

  /** Instances of actors get no more time to dispose of themselves. */
  hurry(): void {
    this.#pool.hurry();
  }

  /** Stops the actors and all worker threads; resolves when what these have printed has left the process. */
  async stopWorkers(): Promise<void> {
    this.#thread.addon.stopActors();
    await this.#pool.close();
    await this.#output.close();
  }

  /** Stops the core. The thread that serves the node has left it. */
  stopCore(): void {
    this.#workers.coreStops();
    this.#thread.addon.stop();
    this.#lines.close();
  }
}
