import { CartPole } from './cartpole.ts';
import { type PairResult, perturb } from './es.ts';
import { PARAMETERS, playEpisode } from './policy.ts';
import { mixSeed, random } from './random.ts';

/** How far a rollout strays from the parameters. */
export const SIGMA = 0.1;

/** Keeps the seeds of training and of evaluation apart. */
const TRAINING = 1;
const EVALUATION = 2;

/** One task's share of an iteration. What it plays follows from these numbers alone, whichever worker runs it. */
export interface RolloutJob {
  readonly seed: number;
  readonly iteration: number;
  readonly firstPair: number;
  readonly pairs: number;
  readonly episodesPerRollout: number;
}

/** The results of one job, flattened into numbers: offset, plus, minus for every pair. */
export type RolloutResults = Float64Array;

/** Plays a job's pairs: the same episodes with the noise added and with it subtracted. */
export function rollout(parameters: Float32Array, noise: Float32Array, job: RolloutJob): RolloutResults {
  const world = new CartPole();
  const candidate = new Float32Array(PARAMETERS);
  const results = new Float64Array(3 * job.pairs);
  for (let pair = 0; pair < job.pairs; pair += 1) {
    const pairSeed = mixSeed(TRAINING, job.seed, job.iteration, job.firstPair + pair);
    const offset = Math.floor(random(pairSeed)() * (noise.length - PARAMETERS));
    perturb(candidate, parameters, noise, offset, SIGMA);
    const plus = meanReturn(world, candidate, pairSeed, job.episodesPerRollout);
    perturb(candidate, parameters, noise, offset, -SIGMA);
    const minus = meanReturn(world, candidate, pairSeed, job.episodesPerRollout);
    results.set([offset, plus, minus], 3 * pair);
  }
  return results;
}

/** Reads back what `rollout` returned. */
export function readResults(results: RolloutResults): PairResult[] {
  return Array.from({ length: results.length / 3 }, (_, pair) => ({
    offset: results[3 * pair] as number,
    plus: results[3 * pair + 1] as number,
    minus: results[3 * pair + 2] as number,
  }));
}

/** The returns of the unchanged policy in episodes that no training and no other `round` ever saw. */
export function evaluate(
  parameters: Float32Array,
  seed: number,
  round: number,
  firstEpisode: number,
  episodes: number,
): number[] {
  const world = new CartPole();
  return Array.from({ length: episodes }, (_, index) =>
    playEpisode(world, parameters, random(mixSeed(EVALUATION, seed, round, firstEpisode + index))),
  );
}

function meanReturn(world: CartPole, parameters: Float32Array, pairSeed: number, episodes: number): number {
  let total = 0;
  for (let index = 0; index < episodes; index += 1) {
    total += playEpisode(world, parameters, random(mixSeed(pairSeed, index)));
  }
  return total / episodes;
}
