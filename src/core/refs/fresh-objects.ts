const AT_ONCE = 512;

/** Objects that a thread has ready for what it makes next: the core is asked for many at once. */
export class FreshObjects {
  /** Pairs of index and generation, as the core writes them. */
  readonly #pairs = new Uint32Array(AT_ONCE * 2);
  #next: number = AT_ONCE * 2;
  readonly #refill: (pairs: Uint32Array) => void;

  /** `refill` fills the array with pairs of index and generation; it throws when the runtime is closed. */
  constructor(refill: (pairs: Uint32Array) => void) {
    this.#refill = refill;
  }

  /** The index of a fresh object, to which the thread has one reference. */
  take(): number {
    if (this.#next === this.#pairs.length) {
      this.#refill(this.#pairs);
      this.#next = 0;
    }
    const index = this.#pairs[this.#next] as number;
    this.#next += 2;
    return index;
  }
}
