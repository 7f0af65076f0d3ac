/** Milliseconds for which a thread waits for code that is loading before it goes on with other tasks: first, and at most. */
const FIRST_MS = 50;
const MOST_MS = 500;

/** The code of a function or class, while a thread loads it, and once it could not. */
export class Load {
  /** Resolves when the load is over. Never rejects. */
  readonly over: Promise<void>;
  #code: Function | undefined;
  #error: unknown;
  #patienceMs = FIRST_MS;
  #admits = false;
  #isTaken = false;

  constructor(loading: Promise<Function>) {
    this.over = loading.then(
      (code) => {
        this.#code = code;
      },
      (error: unknown) => {
        this.#error = error;
      },
    );
  }

  /**
   * How long the thread is to be held until one more task may wait for the load; 0: it may now. `all`: after the first time, all
   * may. Else each next one has to wait for twice as long: a task that waits here can go nowhere else.
   */
  patience(all: boolean): number {
    if (this.#admits) {
      this.#admits = all;
      return 0;
    }
    const patienceMs = this.#patienceMs;
    this.#patienceMs = Math.min(2 * patienceMs, MOST_MS);
    this.#admits = true;
    return patienceMs;
  }

  /** True for the first task that waits: the load is its own, and so is the error if there is one. */
  take(): boolean {
    const isFirst = !this.#isTaken;
    this.#isTaken = true;
    return isFirst;
  }

  /** The code, once it is there. */
  get code(): Function | undefined {
    return this.#code;
  }

  /** Why there is none. */
  get error(): unknown {
    return this.#error;
  }
}
