import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ResolvedInitOptions } from '../common/init-options.ts';
import { loaderSetup } from '../core/functions/loader.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import { threadState, type WorkerAssignment } from '../workers/assignment.ts';
import { heapLimits } from '../workers/heap-limits.ts';
import type { Output } from '../workers/output/output.ts';
import { type Ending, WorkerPool } from '../workers/worker-pool.ts';
import type { NodeChannels } from './channels.ts';
import { codeCache } from './compiled.ts';
import { taskThreads } from './core.ts';
import type { ThingLines } from './thing-lines.ts';
import type { WorkerBrief } from './worker-brief.ts';

const own = fileURLToPath(import.meta.url);
/** What every worker thread runs: the file beside this one, of its kind. */
const WORKER_FILE = join(dirname(own), `worker${extname(own)}`);

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
  readonly pool: WorkerPool;
  readonly #count: number;
  readonly #around: WorkerSurroundings;
  readonly #troubles: WorkerTroubles;
  #coreStopped = false;

  constructor(options: ResolvedInitOptions, around: WorkerSurroundings, troubles: WorkerTroubles) {
    const { channels, output, lines } = around;
    this.#around = around;
    this.#troubles = troubles;
    this.#count = taskThreads(options);
    this.pool = new WorkerPool({
      workerFile: WORKER_FILE,
      code: codeCache,
      brief: (assignment) => this.#brief(assignment),
      greet: (assignment) => channels.started(assignment),
      hangUp: ({ state }) => lines.hangUp(state),
      bury: (assignment, details, ending) => this.#bury(assignment, details, ending),
      abandon: (port, details) => this.#abandon(port, details),
      giveUp: (reason) => troubles.noWorkers(reason),
      output: () => output.begin(),
      limits: heapLimits(options.memory, this.#count),
    });
  }

  /** Starts the threads that run tasks; they come up in the background. */
  start(): void {
    this.pool.startWorkers(this.#count);
  }

  #brief(assignment: WorkerAssignment): WorkerBrief {
    const { argv, execArgv, env } = process;
    const { thread, lines } = this.#around;
    const program = { argv, execArgv, nodeOptions: env['NODE_OPTIONS'], loader: loaderSetup() };
    const { facts } = thread;
    return { ...assignment, facts, ownJob: facts.jobId, ...lines.open(assignment.state), ...program };
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
