import type { ShapeTable } from './hooks.ts';

/** A shape table for one thread: for tests, and for values that are encoded and decoded in the same place. */
export class LocalShapeTable implements ShapeTable {
  readonly #lists: (readonly string[])[] = [];
  readonly #ids: Map<string, number> = new Map();
  readonly #capacity: number;

  constructor(capacity = 4096) {
    this.#capacity = capacity;
  }

  intern(keys: readonly string[]): number {
    const name = JSON.stringify(keys);
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    if (this.#lists.length >= this.#capacity) return -1;
    this.#ids.set(name, this.#lists.length);
    return this.#lists.push(keys) - 1;
  }

  keys(id: number): readonly string[] {
    const keys = this.#lists[id];
    if (keys === undefined) throw new RangeError(`no shape has the id ${id}`);
    return keys;
  }
}
