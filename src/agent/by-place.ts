/** Places below this lie in an array. Few nodes have so many tasks; a peer may name any number. */
const DENSE = 1 << 18;
/** An empty array of so many cells is kept. */
const SHORT = 16 * 1024;

/** What belongs to tasks, by their places in a core: small numbers, which are used again, so most lie in an array. Each task is written, read and deleted here. */
export class ByPlace<T> {
  #dense: (T | undefined)[] = [];
  readonly #others = new Map<number, T>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(place: number): T | undefined {
    return place < DENSE ? this.#dense[place] : this.#others.get(place);
  }

  set(place: number, value: T): void {
    if (this.get(place) === undefined) this.#size += 1;
    if (place >= DENSE) {
      this.#others.set(place, value);
      return;
    }
    // Without holes: an array that has some is slower, or becomes a table.
    while (this.#dense.length < place) this.#dense.push(undefined);
    this.#dense[place] = value;
  }

  delete(place: number): void {
    if (this.get(place) === undefined) return;
    this.#size -= 1;
    if (place < DENSE) this.#dense[place] = undefined;
    else this.#others.delete(place);
    // The memory of a burst goes.
    if (this.#size === 0 && this.#dense.length > SHORT) this.#dense = [];
  }

  /** All of them. They may be deleted meanwhile. */
  *entries(): Generator<readonly [place: number, value: T]> {
    const dense = this.#dense;
    for (let place = 0; place < dense.length && this.#size > this.#others.size; place++) {
      const value = dense[place];
      if (value !== undefined) yield [place, value];
    }
    yield* this.#others;
  }

  *values(): Generator<T> {
    for (const [, value] of this.entries()) yield value;
  }
}
