import { get, type ObjectRef, remote } from 'mobula';
import { Learner, type Progress } from './learner.ts';
import { evaluate, rollout } from './rollout.ts';

const PAIRS = 128;
const PAIRS_PER_TASK = 8;
const EPISODES_PER_ROLLOUT = 8;
const EVALUATION_TASKS = 10;
const EPISODES_PER_EVALUATION_TASK = 10;
const EVALUATE_EVERY = 5;

/** The mean return at which CartPole-v1 counts as solved. */
export const GOAL = 475;

/** How many episodes one iteration plays. */
export const EPISODES_PER_ITERATION: number = PAIRS * 2 * EPISODES_PER_ROLLOUT;

/** How training ended. */
export interface TrainingResult {
  readonly solved: boolean;
  /** Mean return of the last evaluation. */
  readonly mean: number;
  readonly iterations: number;
  readonly parameters: Float32Array;
}

/** What `train` needs to know. */
export interface TrainingOptions {
  readonly noise: ObjectRef<Float32Array>;
  readonly seed: number;
  readonly maxIterations: number;
  readonly onProgress: (progress: Progress, evaluation: number | undefined) => void;
}

/** Trains until the mean of 100 fresh episodes reaches the goal. */
export async function train({ noise, seed, maxIterations, onProgress }: TrainingOptions): Promise<TrainingResult> {
  // The learner is an actor. It takes no CPU from the rollouts: it works while they wait, and they while it waits.
  const learner = remote(Learner).options({ numCpus: 0 }).remote(noise, seed);
  let mean = 0;
  for (let iteration = 0; iteration < maxIterations; iteration += 1) {
    const results = startRollouts(learner.parameters.remote(), noise, seed, iteration);
    const progress = await get(learner.learn.remote(...results));
    const evaluates = progress.mean >= GOAL - 75 || progress.iteration % EVALUATE_EVERY === 0;
    if (evaluates) mean = await evaluateFresh(learner.parameters.remote(), seed, iteration);
    onProgress(progress, evaluates ? mean : undefined);
    if (mean >= GOAL || iteration + 1 === maxIterations) {
      const parameters = await get(learner.parameters.remote());
      return { solved: mean >= GOAL, mean, iterations: progress.iteration, parameters };
    }
  }
  throw new RangeError('maxIterations must be at least 1');
}

/** Starts one iteration's rollouts, always cut into the same tasks: the number of workers changes no result. */
export function startRollouts(
  parameters: ObjectRef<Float32Array>,
  noise: ObjectRef<Float32Array>,
  seed: number,
  iteration: number,
): ObjectRef<Float64Array>[] {
  const remoteRollout = remote(rollout);
  return Array.from({ length: PAIRS / PAIRS_PER_TASK }, (_, task) =>
    remoteRollout.remote(parameters, noise, {
      seed,
      iteration,
      firstPair: task * PAIRS_PER_TASK,
      pairs: PAIRS_PER_TASK,
      episodesPerRollout: EPISODES_PER_ROLLOUT,
    }),
  );
}

/** Mean return of the unchanged policy in 100 episodes nobody has played before. */
async function evaluateFresh(parameters: ObjectRef<Float32Array>, seed: number, round: number): Promise<number> {
  const remoteEvaluate = remote(evaluate);
  const refs = Array.from({ length: EVALUATION_TASKS }, (_, task) => {
    const firstEpisode = task * EPISODES_PER_EVALUATION_TASK;
    return remoteEvaluate.remote(parameters, seed, round, firstEpisode, EPISODES_PER_EVALUATION_TASK);
  });
  const returns = (await get(refs)).flat();
  return returns.reduce((total, value) => total + value, 0) / returns.length;
}
