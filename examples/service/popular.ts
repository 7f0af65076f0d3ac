import { remote } from 'mobula';

/** An actor: counts in one place what all requests ask for. */
class PopularItems {
  readonly #asked = new Map<number, number>();

  add(id: number): void {
    this.#asked.set(id, (this.#asked.get(id) ?? 0) + 1);
  }

  top(count: number): { id: number; asked: number }[] {
    const all = [...this.#asked].map(([id, asked]) => ({ id, asked }));
    return all.sort((a, b) => b.asked - a.asked).slice(0, count);
  }
}

export const Popular = remote(PopularItems, { maxRestarts: -1 });
