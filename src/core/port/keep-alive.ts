/**
 * Whether a thread's event loop is kept alive, by all that want it at once: whoever waits for news, a shutdown, a reader of a
 * stream. It is as long as there is one of them.
 */
export class KeepAlive {
  readonly #owners = new Set<object>();
  readonly #set: (keep: boolean) => void;

  constructor(set: (keep: boolean) => void) {
    this.#set = set;
  }

  /** `owner` wants it, until it releases. Wanting it twice is wanting it once. */
  hold(owner: object): void {
    this.#owners.add(owner);
    if (this.#owners.size === 1) this.#set(true);
  }

  release(owner: object): void {
    if (this.#owners.delete(owner) && this.#owners.size === 0) this.#set(false);
  }
}
