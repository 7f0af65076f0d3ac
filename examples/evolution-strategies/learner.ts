import { Adam, estimateGradient } from './es.ts';
import { PARAMETERS } from './policy.ts';
import { fillGaussian, mixSeed } from './random.ts';
import { type RolloutResults, readResults, SIGMA } from './rollout.ts';

/** What one iteration brought. */
export interface Progress {
  readonly iteration: number;
  /** Mean return of all rollouts: of the policy with noise on it. */
  readonly mean: number;
  /** The best rollout so far. */
  readonly best: number;
}

/** Keeps the policy's parameters and the optimizer's state, and improves them by what rollouts bring. */
export class Learner {
  readonly #noise: Float32Array;
  readonly #parameters = new Float32Array(PARAMETERS);
  readonly #adam = new Adam(PARAMETERS, 0.05, 0.005);
  #iteration = 0;
  #best = 0;

  constructor(noise: Float32Array, seed: number) {
    this.#noise = noise;
    fillGaussian(this.#parameters, mixSeed(seed));
    for (const [index, value] of this.#parameters.entries()) this.#parameters[index] = 0.1 * value;
  }

  /** The parameters as they are now. */
  parameters(): Float32Array {
    return this.#parameters.slice();
  }

  /** One step of learning. */
  learn(...results: RolloutResults[]): Progress {
    const pairs = results.flatMap(readResults);
    this.#adam.climb(this.#parameters, estimateGradient(pairs, this.#noise, PARAMETERS, SIGMA));
    this.#iteration += 1;
    let total = 0;
    for (const { plus, minus } of pairs) {
      total += plus + minus;
      this.#best = Math.max(this.#best, plus, minus);
    }
    return { iteration: this.#iteration, mean: total / (2 * pairs.length), best: this.#best };
  }
}
