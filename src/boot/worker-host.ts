import { pack } from '../common/bundle.ts';
import { jobName } from '../common/ids.ts';
import { loaderSetup } from '../core/functions/loader.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import { threadState, type WorkerAssignment } from '../workers/assignment.ts';
import type { Output } from '../workers/output/output.ts';
import type { Ending, WorkerPool } from '../workers/worker-pool.ts';
import type { NodeChannels } from './channels.ts';
import type { ThingLines } from './thing-lines.ts';
import type { WorkerBrief } from './worker-brief.ts';

/** What goes wrong with worker threads. */
export interface WorkerTroubles {
  /** No thread can be started. */
  noWorkers(reason: unknown): void;
  /** A thread hangs in native code; another is in its place. */
  lostWorker(details: string): void;
}

/** What the threads of a node share with the thread that serves it. */
export interface WorkerSurroundings {
  /** The runtime of the thread that serves the node. */
  readonly thread: ThreadRuntime;
  readonly channels: NodeChannels;
  readonly output: Output;
  readonly lines: ThingLines;
}

/** The worker threads of a node: what they are told when they begin, and what the core hears of their ends. */
export class WorkerHost {
  readonly #around: WorkerSurroundings;
  readonly #troubles: WorkerTroubles;
  /** By the state of the thread: what ends the memory for its output. */
  readonly #outputs = new Map<Int32Array, () => void>();
  #coreStopped = false;

  constructor(around: WorkerSurroundings, troubles: WorkerTroubles) {
    this.#around = around;
    this.#troubles = troubles;
  }

  /** Serves the threads of `pool`. */
  serve(pool: WorkerPool): void {
    const { channels } = this.#around;
    pool.serve({
      // Packed when it is asked for: what has run in this thread by then need not be compiled in the other.
      code: () => pack('worker'),
      brief: (assignment) => this.#brief(assignment),
      greet: (assignment) => channels.started(assignment),
      hangUp: ({ state }) => this.#hangUp(state),
      bury: (assignment, details, ending) => this.#bury(assignment, details, ending),
      abandon: (port, details) => this.#abandon(port, details),
      giveUp: (reason) => this.#troubles.noWorkers(reason),
    });
  }

  #brief(assignment: WorkerAssignment): WorkerBrief {
    const { argv, execArgv, env } = process;
    const { thread, lines, output } = this.#around;
    const { job } = assignment;
    const { memory, end } = output.begin(job !== 0);
    this.#outputs.set(assignment.state, end);
    const program = { argv, execArgv, nodeOptions: env['NODE_OPTIONS'], loader: loaderSetup() };
    const facts = job === 0 ? thread.facts : { ...thread.facts, jobId: jobName(job) };
    return { ...assignment, output: memory, facts, ...lines.open(assignment.state), ...program };
  }

  /** A thread has ended. */
  #hangUp(thread: Int32Array): void {
    // What it has written comes before the failures of what it ran.
    this.#outputs.get(thread)?.();
    this.#outputs.delete(thread);
    this.#around.lines.hangUp(thread);
  }

  #bury(assignment: WorkerAssignment, details: string, { blame, expected }: Ending): void {
    // A thread that hung may end after all else; another runtime may be up by then.
    if (this.#coreStopped) return;
    const port = Atomics.load(assignment.state, threadState.port) - 1;
    this.#around.thread.addon.bury(port, details, blame);
    this.#around.channels.exited(assignment, details, expected);
  }

  #abandon(port: number, details: string): void {
    if (this.#coreStopped) return;
    this.#around.thread.addon.abandon(port, details);
    this.#troubles.lostWorker(details);
  }

  /** The core stops: nothing is to be told to it any more. */
  coreStops(): void {
    this.#coreStopped = true;
  }
}
