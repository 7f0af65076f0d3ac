import { Benchmark } from './benchmark-package.ts';
import type { Operation, Rate } from './harness.ts';
import { mean, standardDeviation } from './statistics.ts';

/** How long the `benchmark` package measures. */
export interface Sampling {
  readonly minSamples: number;
  /** Seconds, after which no further sample is begun. */
  readonly maxTime: number;
}

/** The package's own choice. */
export const fullSampling: Sampling = { minSamples: 5, maxTime: 5 };

/** Shows that everything works; its figures say little. */
export const quickSampling: Sampling = { minSamples: 2, maxTime: 0.05 };

/** What the package hands to an asynchronous test. */
interface Deferred {
  resolve(): void;
}

/** The rate of an operation, by the `benchmark` package: it warms up and decides how many operations a sample takes. */
export async function sampleRate(operation: Operation, sampling: Sampling): Promise<Rate> {
  const first = operation();
  await first;
  return new Promise((resolve, reject) => {
    const bench = new Benchmark({
      ...sampling,
      defer: first !== undefined,
      // It asks for the next operation from within `resolve`: one that is done at once must not be deferred.
      fn:
        first === undefined
          ? operation
          : (deferred: Deferred) => {
              operation()?.then(() => deferred.resolve(), reject);
            },
      onError: () => reject(bench.error),
      onComplete: () => {
        const trials = bench.stats.sample.map((seconds: number) => 1 / seconds);
        resolve({ mean: mean(trials), sd: standardDeviation(trials), trials });
      },
    });
    bench.run({ async: true });
  });
}
