/** The weight of the newest sample. */
const NEWEST = 0.2;
const MOST_FUNCTIONS = 10_000;

/** A mean in which the newest samples count most; the first sample is all of it. */
export function exponential(mean: number | undefined, sample: number): number {
  return mean === undefined ? sample : mean + NEWEST * (sample - mean);
}

/** Mean times of functions over all nodes, in milliseconds. Those not heard of for longest are forgotten. */
export class FunctionMeans {
  readonly #means = new Map<string, number>();

  get(fn: string): number | undefined {
    return this.#means.get(fn);
  }

  add(fn: string, sample: number): void {
    const mean = exponential(this.#means.get(fn), sample);
    this.#means.delete(fn);
    this.#means.set(fn, mean);
    if (this.#means.size <= MOST_FUNCTIONS) return;
    for (const oldest of this.#means.keys()) {
      this.#means.delete(oldest);
      break;
    }
  }
}
