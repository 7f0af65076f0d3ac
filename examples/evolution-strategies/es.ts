/**
 * Evolution strategies (Salimans et al., 2017): nudge the parameters by gaussian noise, play, and move towards
 * the noise that paid. Workers share one table of noise, so a nudge travels as its place in the table.
 */

/** What one antithetic pair of rollouts found: the noise starting at `offset`, added and subtracted. */
export interface PairResult {
  readonly offset: number;
  readonly plus: number;
  readonly minus: number;
}

/** `parameters + scale * noise[offset…]`, written into `target`. */
export function perturb(
  target: Float32Array,
  parameters: Float32Array,
  noise: Float32Array,
  offset: number,
  scale: number,
): void {
  for (let index = 0; index < target.length; index += 1) {
    target[index] = (parameters[index] as number) + scale * (noise[offset + index] as number);
  }
}

/** Replaces returns by their ranks, spread evenly over -0.5 … 0.5; equal returns share their mean rank. */
export function shapeByRank(returns: readonly number[]): Float64Array {
  const order = returns.map((_, index) => index).sort((a, b) => (returns[a] as number) - (returns[b] as number));
  const shaped = new Float64Array(returns.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && returns[order[end] as number] === returns[order[start] as number]) end += 1;
    const rank = (start + end - 1) / 2;
    for (const index of order.slice(start, end)) shaped[index] = rank / Math.max(1, order.length - 1) - 0.5;
    start = end;
  }
  return shaped;
}

/** Estimates the gradient of the expected return from antithetic pairs. */
export function estimateGradient(
  pairs: readonly PairResult[],
  noise: Float32Array,
  size: number,
  sigma: number,
): Float64Array {
  const shaped = shapeByRank(pairs.flatMap(({ plus, minus }) => [plus, minus]));
  const gradient = new Float64Array(size);
  for (const [pair, { offset }] of pairs.entries()) {
    const share = ((shaped[2 * pair] as number) - (shaped[2 * pair + 1] as number)) / (2 * pairs.length * sigma);
    for (let index = 0; index < size; index += 1) {
      gradient[index] = (gradient[index] as number) + share * (noise[offset + index] as number);
    }
  }
  return gradient;
}

/** The Adam optimizer (Kingma and Ba, 2015), climbing, with weight decay towards zero. */
export class Adam {
  readonly #mean: Float64Array;
  readonly #square: Float64Array;
  readonly #rate: number;
  readonly #decay: number;
  #steps = 0;

  constructor(size: number, rate: number, decay: number) {
    this.#mean = new Float64Array(size);
    this.#square = new Float64Array(size);
    this.#rate = rate;
    this.#decay = decay;
  }

  /** Moves `parameters` one step up the gradient. */
  climb(parameters: Float32Array, gradient: Float64Array): void {
    this.#steps += 1;
    const meanBias = 1 - 0.9 ** this.#steps;
    const squareBias = 1 - 0.999 ** this.#steps;
    for (let index = 0; index < parameters.length; index += 1) {
      const value = parameters[index] as number;
      const slope = (gradient[index] as number) - this.#decay * value;
      const mean = 0.9 * (this.#mean[index] as number) + 0.1 * slope;
      const square = 0.999 * (this.#square[index] as number) + 0.001 * slope * slope;
      this.#mean[index] = mean;
      this.#square[index] = square;
      parameters[index] = value + (this.#rate * (mean / meanBias)) / (Math.sqrt(square / squareBias) + 1e-8);
    }
  }
}
