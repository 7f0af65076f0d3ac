import { get, init, put, shutdown } from 'mobula';
import { storeNoise } from './noise.ts';
import { EPISODES_PER_ITERATION, startRollouts } from './train.ts';

/** Iterations kept in flight, so that no worker waits for the driver. */
const AHEAD = 3;

/** Episodes per second on a runtime of `workers` workers, all playing the same trained policy. */
export async function measureEpisodesPerSecond(
  workers: number,
  parameters: Float32Array,
  seed: number,
  seconds: number,
): Promise<number> {
  await init({ numCpus: workers });
  try {
    const noise = storeNoise(seed);
    const policy = put(parameters);
    const play = (iteration: number): Promise<Float64Array[]> => get(startRollouts(policy, noise, seed, iteration));
    await Promise.all(Array.from({ length: AHEAD }, (_, iteration) => play(iteration)));

    const started = performance.now();
    const deadline = started + 1000 * seconds;
    let iteration = AHEAD;
    let iterations = 0;
    const lane = async (): Promise<void> => {
      while (performance.now() < deadline) {
        await play(iteration++);
        iterations += 1;
      }
    };
    await Promise.all(Array.from({ length: AHEAD }, lane));
    return (1000 * iterations * EPISODES_PER_ITERATION) / (performance.now() - started);
  } finally {
    await shutdown();
  }
}
