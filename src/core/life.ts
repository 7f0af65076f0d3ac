import { RuntimeClosedError } from '../common/errors.ts';

/** Whether a thread's runtime is open, and why it is not. */
export class Life {
  #closed = false;
  #problem = '';

  get closed(): boolean {
    return this.#closed;
  }

  /** `problem`: why it ends, if nobody asked for it; else empty. */
  end(problem: string): void {
    this.#closed = true;
    this.#problem = problem;
  }

  /** @throws {RuntimeClosedError} when the runtime is closed */
  assertOpen(): void {
    if (this.#closed) throw this.error();
  }

  /** For the use of a closed runtime, or of what belongs to another. */
  error(): RuntimeClosedError {
    return new RuntimeClosedError(this.#problem || undefined);
  }
}
