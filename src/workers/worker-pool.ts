import type { ResourceLimits } from 'node:worker_threads';
import { MobulaError } from '../common/errors.ts';
import { clearTimeout, setTimeout } from '../common/timers.ts';
import { THREAD_STATE_WORDS, type WorkerAssignment } from './assignment.ts';
import { Crews } from './crews.ts';
import { Disposals } from './disposals.ts';
import { Retirements } from './retirements.ts';
import { threadOptions } from './thread-options.ts';
import { WorkerThread } from './worker-thread.ts';

/** How a thread ended. */
export interface Ending {
  /** The task that ended it, or why it cannot be told (`blame`). */
  readonly blame: number;
  /** Whether it was to. */
  readonly expected: boolean;
}

/** What the pool needs of the rest. */
export interface PoolPorts {
  /** Code for the program of a thread: the first that it is told. */
  code(): object;
  /** The brief: the assignment, and what else a thread has to know. Read when the thread is ready for it. */
  brief(assignment: WorkerAssignment): WorkerAssignment;
  /** A thread has begun to take tasks. */
  greet(assignment: WorkerAssignment): void;
  /** A thread that had asked for its brief has ended, attached or not. */
  hangUp(assignment: WorkerAssignment): void;
  /** A thread that had begun to take tasks has ended. */
  bury(assignment: WorkerAssignment, details: string, ending: Ending): void;
  /** A thread was told to end and did not: it hangs in native code. It is buried when it ends. */
  abandon(port: number, details: string): void;
  /** Threads die before they are attached, again and again. */
  giveUp(reason: unknown): void;
}

/** Threads that die before they are attached, in a row, before the pool gives up: it cannot start any. */
const MAX_STILLBORN = 3;
/** The same once one has been attached: then it may be for want of descriptors or memory, which passes. */
const MAX_STILLBORN_LATER = 10;
/** Milliseconds until the second of them is tried; twice as many for each after it, up to the most. */
const [FIRST_PAUSE_MS, LAST_PAUSE_MS] = [50, 5000];

/** Milliseconds after which a thread that was told to end, and has not, is given up; and those that it gets to start before. */
const [STOP_MS, START_MS] = [5000, 60_000];

/** The worker threads of a node: started, replaced when they have ended, and stopped. */
export class WorkerPool {
  readonly #workerFile: string;
  /** Limits of each thread's heap. */
  readonly #limits: ResourceLimits;
  #ports: PoolPorts | undefined;
  readonly #threads = new Set<WorkerThread>();
  #stillborn = 0;
  #everUp = false;
  readonly #crews = new Crews();
  #closed = false;
  readonly #options = threadOptions();
  readonly #retirements = new Retirements();
  /** How many threads have said that they are leaving, and how many of them were seen. */
  readonly #leavings = new Int32Array(new SharedArrayBuffer(4));
  #leavingsSeen = 0;
  readonly #disposals = new Disposals();

  /** `workerFile`: the program of a thread. `limits`: those of each thread's heap. */
  constructor(workerFile: string, limits: ResourceLimits) {
    this.#workerFile = workerFile;
    this.#limits = limits;
  }

  /**
   * Has `ports` do what the pool needs of the rest. Threads that were started before it, in the same turn of the event loop,
   * come up meanwhile.
   */
  serve(ports: PoolPorts): void {
    this.#ports = ports;
    for (const thread of this.#threads) this.#sendCode(thread);
  }

  get #served(): PoolPorts {
    // Threads tell nothing in the turn in which they are started.
    if (this.#ports === undefined) throw new MobulaError('ERR_MOBULA_INTERNAL', 'nobody serves the threads');
    return this.#ports;
  }

  #sendCode(thread: WorkerThread): void {
    if (this.#ports !== undefined) thread.send(this.#ports.code());
  }

  /** Starts threads that run tasks of a job, 0 for the process's own program, unless it has threads. */
  startWorkers(count: number, job = 0): void {
    if (!this.#closed && this.#crews.begin(job, count)) this.#start(1, -1, job);
  }

  /** A job has ended: so do its threads. */
  endJob(job: number): void {
    this.#crews.end(job);
    for (const thread of [...this.#threads]) {
      const { assignment } = thread;
      if (assignment.kind !== 1 || assignment.job !== job) continue;
      thread.retired = true;
      void this.#stop(thread);
    }
  }

  /** Starts the thread that actors of `host` wait for. */
  startHost(host: number): void {
    if (!this.#closed) this.#start(2, host, 0);
  }

  #start(kind: number, host: number, job: number): void {
    const state = new Int32Array(new SharedArrayBuffer(4 * THREAD_STATE_WORDS));
    const staysForMs = this.#retirements.nextMs();
    const leavings = this.#leavings;
    const assignment: WorkerAssignment = { kind, host, job, state, leavings, staysForMs };
    const options = { ...this.#options, resourceLimits: this.#limits };
    const thread = new WorkerThread(this.#workerFile, options, assignment, {
      ready: () => this.#served.brief(assignment),
      up: () => this.#up(assignment),
      ended: (code) => this.#ended(thread, code),
    });
    this.#threads.add(thread);
    // After it was started: it takes its time to come up, and making the code takes some, too.
    this.#sendCode(thread);
  }

  #up(assignment: WorkerAssignment): void {
    this.#stillborn = 0;
    this.#everUp = true;
    this.#served.greet(assignment);
    if (assignment.kind !== 1 || this.#closed) return;
    for (let more = this.#crews.up(assignment.job); more > 0; more--) this.#start(1, -1, assignment.job);
  }

  #ended(thread: WorkerThread, code: number): void {
    this.#threads.delete(thread);
    const { assignment, error, blame, abandoned } = thread;
    const attached = thread.port !== undefined;
    const expected = thread.retired || this.#closed;
    if (thread.endedItself && !thread.replaced) this.#retirements.add();
    const ports = this.#served;
    ports.hangUp(assignment);
    if (attached) ports.bury(assignment, thread.describe(code), { blame, expected });
    if (abandoned || expected || thread.replaced) return;
    if (attached) this.#replace(thread);
    else if (++this.#stillborn < (this.#everUp ? MAX_STILLBORN_LATER : MAX_STILLBORN)) this.#replaceLater(thread);
    else ports.giveUp(error ?? new Error(`worker threads end at once, with exit code ${code}`));
  }

  #replaceLater(thread: WorkerThread): void {
    const pause = this.#everUp ? Math.min(FIRST_PAUSE_MS * 2 ** (this.#stillborn - 1), LAST_PAUSE_MS) : 0;
    setTimeout(() => {
      if (!this.#closed) this.#replace(thread);
    }, pause).unref();
  }

  /** The thread hangs in native code, or in a user's module loader: it ends when that returns, which may be never. */
  #abandon(thread: WorkerThread): void {
    if (!this.#threads.delete(thread)) return;
    const { port } = thread;
    if (port !== undefined) this.#served.abandon(port, `it hangs in native code and did not stop in ${STOP_MS} ms`);
    thread.abandon();
    if (!(thread.retired || thread.replaced || this.#closed)) this.#replace(thread);
  }

  /**
   * Starts a thread for each that is leaving. What those have begun may take long, or wait for tasks that they do not take any
   * more.
   */
  #replaceLeaving(): void {
    const leavings = Atomics.load(this.#leavings, 0);
    if (leavings === this.#leavingsSeen || this.#closed) return;
    this.#leavingsSeen = leavings;
    for (const thread of [...this.#threads]) {
      if (!thread.isLeaving || thread.replaced) continue;
      thread.replaced = true;
      this.#retirements.add();
      this.#replace(thread);
    }
  }

  #replace(thread: WorkerThread): void {
    const { kind, host, job } = thread.assignment;
    if (kind === 1) {
      if (this.#crews.has(job)) this.#start(1, -1, job);
    } else if (thread.port === undefined) this.startHost(host);
  }

  #find(test: (thread: WorkerThread) => boolean): WorkerThread | undefined {
    for (const thread of this.#threads) if (test(thread)) return thread;
    return undefined;
  }

  /** Stops the thread of a port, whatever it runs. */
  stopPort(port: number): void {
    const thread = this.#find((each) => each.port === port);
    if (thread !== undefined) void this.#stop(thread);
  }

  /** Stops the thread that one actor had to itself, once that has disposed of itself. */
  retireHost(host: number): void {
    const thread = this.#find(({ assignment }) => assignment.kind === 2 && assignment.host === host);
    if (thread === undefined) return;
    thread.retired = true;
    void this.#disposals.of(thread.assignment.state, thread.ended).then(() => this.#stop(thread));
  }

  #stop(thread: WorkerThread): Promise<void> {
    if (!thread.stopped) {
      thread.stopped = true;
      const giveUp = (): void => this.#abandon(thread);
      let timer = setTimeout(giveUp, START_MS).unref();
      // Ended while it loads its modules, a thread of Node 20 would leave their files open.
      void thread.started.then(() => {
        clearTimeout(timer);
        timer = setTimeout(giveUp, STOP_MS).unref();
        thread.terminate();
      });
      void thread.ended.then(() => clearTimeout(timer));
    }
    return thread.ended;
  }

  /** Ends the threads at once: they were started for nothing, and nobody serves them. */
  discard(): void {
    this.#closed = true;
    for (const thread of this.#threads) thread.discard();
    this.#threads.clear();
  }

  get size(): number {
    return this.#threads.size;
  }

  /** A thread has rung: its last instance may have disposed of itself, or it may be leaving. */
  look(): void {
    this.#replaceLeaving();
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
