import type { Case } from './case.ts';
import { type Harness, quickHarness, rayHarness, timeEach, timeit } from './harness.ts';
import { fullSampling, quickSampling, type Sampling, sampleRate } from './rates.ts';
import type { Result } from './report.ts';

/** How thoroughly to measure. */
export interface Thoroughness {
  readonly harness: Harness;
  readonly sampling: Sampling;
}

export const thorough: Thoroughness = { harness: rayHarness, sampling: fullSampling };
export const quick: Thoroughness = { harness: quickHarness, sampling: quickSampling };

/** Measures one case. A case that fails is a result, too. */
export async function measure(
  { name, by, unit, multiplier, roundTrip, setUp }: Case,
  { harness, sampling }: Thoroughness,
): Promise<Result> {
  try {
    const { operation, end } = await setUp();
    try {
      const rate = by === 'ray' ? await timeit(operation, multiplier, harness) : await sampleRate(operation, sampling);
      if (roundTrip === undefined) return { name, by, unit, rate };
      return { name, by, unit, rate, roundTrips: await timeEach(operation, harness) };
    } finally {
      await end?.();
    }
  } catch (error) {
    return { name, by, unit, error: error instanceof Error ? error.message : String(error) };
  }
}
