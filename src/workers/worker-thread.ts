import { Worker, type WorkerOptions } from 'node:worker_threads';
import { RETIRED, threadState, type WorkerAssignment } from './assignment.ts';

/** Through whose fault a thread ended, if it was not a task's, which is told by its number. */
const blame = { unknown: -1, nobody: -2, runner: -3 } as const;

/** What a thread tells the pool. Its program sends a message when it begins, and another when it is up. */
export interface ThreadEvents {
  /** It asks what it is to do: the answer is its brief. */
  ready(): WorkerAssignment;
  /** It is attached to the core and about to take its first task. */
  up(): void;
  /** It has ended, with that exit code. */
  ended(code: number): void;
}

/** One worker thread, from its start to its end. It never keeps the process alive. */
export class WorkerThread {
  readonly #worker: Worker;
  readonly assignment: WorkerAssignment;
  /** Nobody expects it to live on. */
  retired = false;
  /** It was told to end. */
  stopped = false;
  /** It was told to end long ago; another is in its place. */
  abandoned = false;
  /** It takes no more tasks, and another is in its place. */
  replaced = false;
  /** Resolves when it has loaded its modules and is about to take its first task, or has failed to. */
  readonly started: Promise<void>;
  /** Resolves when it has ended, or was abandoned. */
  readonly ended: Promise<void>;
  #end = (): void => undefined;
  #error: unknown;

  constructor(file: string, options: WorkerOptions, assignment: WorkerAssignment, events: ThreadEvents) {
    this.assignment = assignment;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#worker = new Worker(file, options);
    this.#worker.unref();
    this.#worker.on('error', (error: unknown) => {
      this.#error = error;
    });
    this.started = new Promise((resolve) => {
      this.#worker.once('message', () => {
        this.#worker.postMessage(events.ready());
        // User code may send messages of its own later.
        this.#worker.once('message', () => {
          events.up();
          resolve();
        });
      });
      this.#worker.once('error', () => resolve());
      this.#worker.once('exit', (code) => {
        resolve();
        events.ended(code);
        this.#end();
      });
    });
  }

  /** Gives it code for its program, which waits for it. */
  send(code: object): void {
    this.#worker.postMessage(code);
  }

  terminate(): void {
    void this.#worker.terminate();
  }

  /** Ends it, and tells nothing of it. */
  discard(): void {
    this.#worker.removeAllListeners();
    // Without a listener an error would be the program's.
    this.#worker.on('error', () => undefined);
    this.terminate();
  }

  /** Nobody waits for its end any more. */
  abandon(): void {
    this.abandoned = true;
    this.terminate();
    this.#end();
  }

  /** The thread's port, once it is attached to the core. */
  get port(): number | undefined {
    const attached = this.#state(threadState.port);
    return attached === 0 ? undefined : attached - 1;
  }

  /** Whether it takes no more tasks, because it cannot load a module any more. */
  get isLeaving(): boolean {
    return this.#state(threadState.leaving) === 1;
  }

  /** Whether it has ended itself, because it could not load a module any more. */
  get endedItself(): boolean {
    return this.#state(threadState.culprit) === RETIRED;
  }

  /** What nobody caught in it. */
  get error(): unknown {
    return this.#error;
  }

  /** The task through whose fault it ended, or one of `blame`. */
  get blame(): number {
    const culprit = this.#state(threadState.culprit);
    if (culprit > 0) return culprit - 1;
    if (this.stopped || culprit === RETIRED) return blame.nobody;
    return isOutOfMemory(this.#error) ? blame.runner : blame.unknown;
  }

  /** Why it ended, for messages. */
  describe(code: number): string {
    if (isOutOfMemory(this.#error)) return 'it ran out of memory';
    if (this.#error instanceof Error) return this.#error.message;
    return `it ended with exit code ${code}`;
  }

  #state(word: number): number {
    return Atomics.load(this.assignment.state, word);
  }
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && Reflect.get(error, 'code') === 'ERR_WORKER_OUT_OF_MEMORY';
}
