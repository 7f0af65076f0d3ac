import { Random } from '../support/random.ts';

/** A source of chance with a name. Sources of one seed are independent: what one is asked does not move another. */
export class Chance {
  readonly #random: Random;

  constructor(seed: number, name: string) {
    let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193) ^ (hash >>> 15);
    this.#random = new Random(hash);
  }

  /** From 0 up to 1. */
  next(): number {
    return this.#random.next();
  }

  /** A whole number from 0 up to `below`. */
  below(below: number): number {
    return this.#random.below(below);
  }

  between(least: number, most: number): number {
    return least + this.#random.next() * (most - least);
  }

  /** True once in `1 / probability` times. */
  hit(probability: number): boolean {
    return this.#random.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    const chosen = from[this.#random.below(from.length)];
    if (chosen === undefined) throw new RangeError('there is nothing to pick from');
    return chosen;
  }

  shuffled<T>(from: readonly T[]): T[] {
    return from
      .map((item) => ({ item, rank: this.#random.next() }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ item }) => item);
  }
}
