/** The code of a function or class, while a thread loads it, and once it could not. */
export class Load {
  /** Resolves when the load is over. Never rejects. */
  readonly over: Promise<void>;
  #code: Function | undefined;
  #error: unknown;
  #isNew = true;
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

  /** Whether nobody has asked before. */
  takeNews(): boolean {
    const isNew = this.#isNew;
    this.#isNew = false;
    return isNew;
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
