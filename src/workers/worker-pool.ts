import type { ResourceLimits } from 'node:worker_threads';
import { Tinypool } from 'tinypool';
import { clearTimeout, setTimeout } from '../common/timers.ts';
import { RETIRED, THREAD_STATE_WORDS, threadState, type WorkerAssignment } from './assignment.ts';
import { Disposals } from './disposals.ts';
import type { OutputMemory } from './output/capture.ts';
import { Retirements } from './retirements.ts';
import { threadOptions } from './thread-options.ts';

/** Through whose fault a thread ended, if it was not a task's, which is told by its number. */
const blame = { unknown: -1, nobody: -2, runner: -3 } as const;

/** How a thread ended. */
export interface Ending {
  /** The task that ended it, or why it cannot be told (`blame`). */
  readonly blame: number;
  /** Whether it was to. */
  readonly expected: boolean;
}

/** What the pool needs of the rest. */
export interface PoolPorts {
  /** The module whose default export a thread runs. */
  readonly workerFile: string;
  /** What it gets: the assignment, and what else a thread has to know. Read when the thread is ready for it. */
  brief(assignment: WorkerAssignment): WorkerAssignment;
  /** A thread has begun to take tasks. */
  greet(assignment: WorkerAssignment): void;
  /** A thread that had has ended. */
  bury(assignment: WorkerAssignment, details: string, ending: Ending): void;
  /** A thread was told to end and did not: it hangs in native code. It is buried when it ends. */
  abandon(port: number, details: string): void;
  /** Threads die before they are attached, again and again. */
  giveUp(reason: unknown): void;
  /** Limits of each thread's heap. */
  readonly limits: ResourceLimits;
  /** Memory for what a thread writes; `end`: the thread has ended. */
  output(): { readonly memory: OutputMemory; readonly end: () => void };
}

interface Thread {
  readonly pool: Tinypool;
  readonly assignment: WorkerAssignment;
  /** Nobody expects it to live on. */
  retired: boolean;
  /** It was told to end. */
  stopped: boolean;
  /** It was told to end long ago; another is in its place. */
  abandoned: boolean;
  /** It has loaded its modules and is about to take its first task, or it could not. */
  readonly started: Promise<void>;
  readonly outputEnds: () => void;
  /** Resolves when it has ended, or was abandoned. */
  readonly ended: Promise<void>;
  readonly end: () => void;
}

/** Threads that die before they are attached, in a row, before the pool gives up: it cannot start any. */
const MAX_STILLBORN = 3;
/** The same once one has been attached: then it may be for want of descriptors or memory, which passes. */
const MAX_STILLBORN_LATER = 10;
/** Milliseconds until the second of them is tried; twice as many for each after it, up to the most. */
const [FIRST_PAUSE_MS, LAST_PAUSE_MS] = [50, 5000];

/** Milliseconds after which a thread that was told to end, and has not, is given up; and those that it gets to start before. */
const [STOP_MS, START_MS] = [5000, 60_000];

/**
 * The worker threads of a node. Each is a tinypool of one thread, which gets one task: to attach itself to the core.
 * tinypool starts the thread and ends it; a pool that its thread has wedged (tinypool does not notice
 * `process.exit`) is thrown away with it.
 */
export class WorkerPool {
  readonly #ports: PoolPorts;
  readonly #threads = new Set<Thread>();
  #stillborn = 0;
  #everUp = false;
  /** Workers to start once the first is up. */
  #waiting = 0;
  #closed = false;
  readonly #options = threadOptions();
  readonly #retirements = new Retirements();
  readonly #disposals = new Disposals();

  constructor(ports: PoolPorts) {
    this.#ports = ports;
  }

  /** Starts threads that run tasks: one, so that the first task need not share a core, and then the others. */
  startWorkers(count: number): void {
    if (count === 0) return;
    this.#waiting += count - 1;
    this.#start(1, -1);
  }

  #startWaiting(): void {
    for (; this.#waiting > 0 && !this.#closed; this.#waiting--) this.#start(1, -1);
  }

  /** Starts the thread that actors of `host` wait for. */
  startHost(host: number): void {
    if (!this.#closed) this.#start(2, host);
  }

  #start(kind: number, host: number): void {
    const output = this.#ports.output();
    const state = new Int32Array(new SharedArrayBuffer(4 * THREAD_STATE_WORDS));
    const staysForMs = this.#retirements.nextMs();
    const assignment: WorkerAssignment = { kind, host, state, output: output.memory, staysForMs };
    const pool = new Tinypool({
      filename: this.#ports.workerFile,
      // Not a number: neither are there too few threads, so that tinypool starts one, nor too many, so that it sets a timer,
      // which may be a test runner's, to end one.
      minThreads: Number.NaN,
      maxThreads: 1,
      concurrentTasksPerWorker: 1,
      useAtomics: false,
      ...this.#options,
      resourceLimits: this.#ports.limits,
    });
    let error: unknown;
    pool.on('error', (thrown: unknown) => {
      error = thrown;
    });
    const started = pool.run(this.#ports.brief(assignment)).then(
      () => {
        this.#stillborn = 0;
        this.#ports.greet(assignment);
        this.#everUp = true;
        this.#startWaiting();
      },
      (thrown: unknown) => {
        error = thrown;
      },
    );
    const worker = pool.threads[0];
    if (worker === undefined) throw new Error('tinypool did not start its thread');
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    worker.once('exit', (code: number) => this.#ended(thread, code, error));
    const thread: Thread = {
      pool,
      assignment,
      retired: false,
      stopped: false,
      abandoned: false,
      started,
      outputEnds: output.end,
      ended,
      end,
    };
    this.#threads.add(thread);
  }

  #ended(thread: Thread, code: number, error: unknown): void {
    this.#threads.delete(thread);
    const attached = stateOf(thread, threadState.port);
    const expected = thread.retired || this.#closed;
    const ending = { blame: blamed(thread, error), expected };
    if (stateOf(thread, threadState.culprit) === RETIRED) this.#retirements.add();
    // What it has written comes before the failures of what it ran.
    thread.outputEnds();
    if (attached > 0) this.#ports.bury(thread.assignment, describe(code, error), ending);
    thread.end();
    void thread.pool.destroy();
    if (thread.abandoned || expected) return;
    if (attached > 0) this.#replace(thread);
    else if (++this.#stillborn < (this.#everUp ? MAX_STILLBORN_LATER : MAX_STILLBORN)) this.#replaceLater(thread);
    else this.#ports.giveUp(error ?? new Error(`worker threads end at once, with exit code ${code}`));
  }

  #replaceLater(thread: Thread): void {
    const pause = this.#everUp ? Math.min(FIRST_PAUSE_MS * 2 ** (this.#stillborn - 1), LAST_PAUSE_MS) : 0;
    setTimeout(() => {
      if (!this.#closed) this.#replace(thread);
    }, pause).unref();
  }

  /** The thread hangs in native code, or in a user's module loader: it ends when that returns, which may be never. */
  #abandon(thread: Thread): void {
    if (!this.#threads.delete(thread)) return;
    thread.abandoned = true;
    void thread.pool.threads[0]?.terminate();
    const attached = stateOf(thread, threadState.port);
    if (attached > 0) this.#ports.abandon(attached - 1, `it hangs in native code and did not stop in ${STOP_MS} ms`);
    thread.end();
    if (!thread.retired && !this.#closed) this.#replace(thread);
  }

  #replace(thread: Thread): void {
    const { kind, host } = thread.assignment;
    if (kind === 1) this.#start(1, -1);
    else if (stateOf(thread, threadState.port) === 0) this.startHost(host);
  }

  #find(test: (thread: Thread) => boolean): Thread | undefined {
    for (const thread of this.#threads) if (test(thread)) return thread;
    return undefined;
  }

  /** Stops the thread of a port, whatever it runs. */
  stopPort(port: number): void {
    const thread = this.#find((each) => stateOf(each, threadState.port) === port + 1);
    if (thread !== undefined) void this.#stop(thread);
  }

  /** Stops the thread that one actor had to itself, once that has disposed of itself. */
  retireHost(host: number): void {
    const thread = this.#find(({ assignment }) => assignment.kind === 2 && assignment.host === host);
    if (thread === undefined) return;
    thread.retired = true;
    void this.#disposals.of(thread.assignment.state, thread.ended).then(() => this.#stop(thread));
  }

  #stop(thread: Thread): Promise<void> {
    if (!thread.stopped) {
      thread.stopped = true;
      const giveUp = (): void => this.#abandon(thread);
      let timer = setTimeout(giveUp, START_MS).unref();
      // Ended while it loads its modules, a thread of Node 20 would leave their files open.
      void thread.started.then(() => {
        clearTimeout(timer);
        timer = setTimeout(giveUp, STOP_MS).unref();
        void thread.pool.threads[0]?.terminate();
      });
      void thread.ended.then(() => clearTimeout(timer));
    }
    return thread.ended;
  }

  get size(): number {
    return this.#threads.size;
  }

  /** A thread has rung: its last instance may have disposed of itself. */
  look(): void {
    this.#disposals.look();
  }

  /** Instances get no more time. */
  hurry(): void {
    this.#disposals.hurry();
  }

  /** Stops all threads, once their instances have disposed of themselves; resolves when they have ended, but for those that hang in native code. */
  async close(): Promise<void> {
    this.#closed = true;
    const threads = [...this.#threads];
    await Promise.all(threads.map(({ assignment, ended }) => this.#disposals.of(assignment.state, ended)));
    await Promise.all(threads.map((thread) => this.#stop(thread)));
  }
}

function describe(code: number, error: unknown): string {
  if (isOutOfMemory(error)) return 'it ran out of memory';
  if (error instanceof Error) return error.message;
  return `it ended with exit code ${code}`;
}

function stateOf({ assignment }: Thread, word: number): number {
  return Atomics.load(assignment.state, word);
}

function blamed(thread: Thread, error: unknown): number {
  const culprit = stateOf(thread, threadState.culprit);
  if (culprit > 0) return culprit - 1;
  if (thread.stopped || culprit === RETIRED) return blame.nobody;
  return isOutOfMemory(error) ? blame.runner : blame.unknown;
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && Reflect.get(error, 'code') === 'ERR_WORKER_OUT_OF_MEMORY';
}
