import { Tinypool } from 'tinypool';
import { clearTimeout, setTimeout } from '../common/timers.ts';

/** What a thread is told when it starts. */
export interface WorkerAssignment {
  /** 1 = runs tasks, 2 = runs actors. */
  readonly kind: number;
  /** The host's number, for threads that run actors; else -1. */
  readonly host: number;
  /** The thread writes its port + 1 here once it is attached, and behind it, when it exits, the task that made it + 1. */
  readonly port: Int32Array;
}

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

/** Milliseconds after which a thread that was told to end, and has not, is given up. */
const STOP_MS = 5000;

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
    const assignment: WorkerAssignment = { kind, host, port: new Int32Array(new SharedArrayBuffer(8)) };
    const pool = new Tinypool({
      filename: this.#ports.workerFile,
      minThreads: 0,
      maxThreads: 1,
      concurrentTasksPerWorker: 1,
      useAtomics: false,
      idleTimeout: 2 ** 31 - 1,
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
      ended,
      end,
    };
    this.#threads.add(thread);
  }

  #ended(thread: Thread, code: number, error: unknown): void {
    this.#threads.delete(thread);
    const { port } = thread.assignment;
    const attached = Atomics.load(port, 0);
    const expected = thread.retired || this.#closed;
    const ending = { blame: blamed(thread, error), expected };
    if (attached > 0) this.#ports.bury(thread.assignment, describe(code, error), ending);
    thread.end();
    // For the timer that ends idle threads, which would keep the thread's remains for weeks.
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
    const attached = Atomics.load(thread.assignment.port, 0);
    if (attached > 0) this.#ports.abandon(attached - 1, `it hangs in native code and did not stop in ${STOP_MS} ms`);
    thread.end();
    if (!thread.retired && !this.#closed) this.#replace(thread);
  }

  #replace({ assignment: { kind, port, host } }: Thread): void {
    if (kind === 1) this.#start(1, -1);
    else if (Atomics.load(port, 0) === 0) this.startHost(host);
  }

  #find(test: (assignment: WorkerAssignment) => boolean): Thread | undefined {
    for (const thread of this.#threads) if (test(thread.assignment)) return thread;
    return undefined;
  }

  /** Stops the thread of a port, whatever it runs. */
  stopPort(port: number): void {
    const thread = this.#find((assignment) => Atomics.load(assignment.port, 0) === port + 1);
    if (thread !== undefined) void this.#stop(thread);
  }

  /** Stops the thread that one actor had to itself. */
  retireHost(host: number): void {
    const thread = this.#find((assignment) => assignment.kind === 2 && assignment.host === host);
    if (thread === undefined) return;
    thread.retired = true;
    void this.#stop(thread);
  }

  #stop(thread: Thread): Promise<void> {
    if (!thread.stopped) {
      thread.stopped = true;
      // Ended while it loads its modules, a thread of Node 20 would leave their files open.
      void thread.started.then(() => thread.pool.threads[0]?.terminate());
      const timer = setTimeout(() => this.#abandon(thread), STOP_MS).unref();
      void thread.ended.then(() => clearTimeout(timer));
    }
    return thread.ended;
  }

  get size(): number {
    return this.#threads.size;
  }

  /** Stops all threads; resolves when they have ended, but for those that hang in native code. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#threads].map((thread) => this.#stop(thread)));
  }
}

function describe(code: number, error: unknown): string {
  if (isOutOfMemory(error)) return 'it ran out of memory';
  if (error instanceof Error) return error.message;
  return `it ended with exit code ${code}`;
}

function blamed({ assignment, stopped }: Thread, error: unknown): number {
  const task = Atomics.load(assignment.port, 1) - 1;
  if (task >= 0) return task;
  if (stopped) return blame.nobody;
  return isOutOfMemory(error) ? blame.runner : blame.unknown;
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && Reflect.get(error, 'code') === 'ERR_WORKER_OUT_OF_MEMORY';
}
