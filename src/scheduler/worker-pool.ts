import { Tinypool } from 'tinypool';

/** What a thread is told when it starts. */
export interface WorkerAssignment {
  /** 1 = runs tasks, 2 = runs actors. */
  readonly kind: number;
  /** The host's number, for threads that run actors; else -1. */
  readonly host: number;
  /** The thread writes its port + 1 here once it is attached. */
  readonly port: Int32Array;
}

/** What the pool needs of the rest. */
export interface PoolPorts {
  /** The module whose default export a thread runs. */
  readonly workerFile: string;
  /** What it gets: the assignment, and what else a thread has to know. Read when the thread is ready for it. */
  brief(assignment: WorkerAssignment): WorkerAssignment;
  /** A thread has begun to take tasks. */
  greet(assignment: WorkerAssignment): void;
  /** A thread that had has ended, by itself or because it was to. */
  bury(assignment: WorkerAssignment, details: string, expected: boolean): void;
  /** Threads die before they are attached, again and again. */
  giveUp(reason: unknown): void;
}

interface Thread {
  readonly pool: Tinypool;
  readonly assignment: WorkerAssignment;
  /** Nobody expects it to live on. */
  retired: boolean;
  /** It has loaded its modules, or failed to. */
  readonly started: Promise<void>;
  readonly ended: Promise<void>;
}

/** Threads that die before they are attached, in a row, before the pool gives up. */
const MAX_STILLBORN = 3;

/** Milliseconds after which the other threads do not wait for the first any longer. */
const FIRST_MS = 50;

/** Milliseconds that a thread which is still starting gets at the end. */
const START_MS = 2000;

/**
 * The worker threads of a node. Each is a tinypool of one thread, which gets one task: to attach itself to the core.
 * tinypool starts the thread and ends it; a pool that its thread has wedged (tinypool does not notice
 * `process.exit`) is thrown away with it.
 */
export class WorkerPool {
  readonly #ports: PoolPorts;
  readonly #threads = new Set<Thread>();
  #stillborn = 0;
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
    // A first task that keeps its thread busy keeps it from telling that it is up.
    setTimeout(() => this.#startWaiting(), FIRST_MS).unref();
  }

  #startWaiting(): void {
    for (; this.#waiting > 0 && !this.#closed; this.#waiting--) this.#start(1, -1);
  }

  /** Starts the thread that actors of `host` wait for. */
  startHost(host: number): void {
    if (!this.#closed) this.#start(2, host);
  }

  #start(kind: number, host: number): void {
    const assignment: WorkerAssignment = { kind, host, port: new Int32Array(new SharedArrayBuffer(4)) };
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
        this.#startWaiting();
      },
      (thrown: unknown) => {
        error = thrown;
      },
    );
    const worker = pool.threads[0];
    if (worker === undefined) throw new Error('tinypool did not start its thread');
    const ended = new Promise<void>((resolve) => {
      worker.once('exit', (code: number) => {
        this.#ended(thread, code, error);
        resolve();
      });
    });
    const thread: Thread = { pool, assignment, retired: false, started, ended };
    this.#threads.add(thread);
  }

  #ended(thread: Thread, code: number, error: unknown): void {
    this.#threads.delete(thread);
    const { kind, port } = thread.assignment;
    const attached = Atomics.load(port, 0);
    const expected = thread.retired || this.#closed;
    if (attached > 0) this.#ports.bury(thread.assignment, describe(code, error), expected);
    if (expected) return;
    if (attached === 0 && ++this.#stillborn >= MAX_STILLBORN) {
      this.#ports.giveUp(error ?? new Error(`worker threads end at once, with exit code ${code}`));
    } else if (kind === 1) {
      this.#start(1, -1);
    } else if (attached === 0) {
      this.startHost(thread.assignment.host);
    }
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
    // A thread inside native code does not hear of this; it ends when that returns.
    const worker = thread.pool.threads[0];
    void worker?.terminate();
    return thread.ended;
  }

  /** Stops a thread that may still be loading its modules: ended in the middle of it, it would leave files open. */
  async #stopStarted(thread: Thread): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, START_MS);
    });
    await Promise.race([thread.started, thread.ended, late]);
    clearTimeout(timer);
    await this.#stop(thread);
  }

  get size(): number {
    return this.#threads.size;
  }

  /** Stops all threads; resolves when they have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#threads].map((thread) => this.#stopStarted(thread)));
  }
}

function describe(code: number, error: unknown): string {
  if (error instanceof Error) {
    if (Reflect.get(error, 'code') === 'ERR_WORKER_OUT_OF_MEMORY') return 'it ran out of memory';
    return error.message;
  }
  return `it ended with exit code ${code}`;
}
