import { setTimeout as sleep } from 'node:timers/promises';
import { mean, percentile, standardDeviation } from './statistics.ts';

/** One operation: done when it returns, or when the promise that it returns is fulfilled. */
export type Operation = () => Promise<unknown> | undefined;

/** How long to measure. */
export interface Harness {
  /** Milliseconds of rest before. */
  readonly settleMs: number;
  /** Milliseconds of warming up, at least. */
  readonly warmUpMs: number;
  readonly trials: number;
  /** Milliseconds of a trial, at least. */
  readonly trialMs: number;
}

/** What Ray's `timeit` does (ray/_private/ray_microbenchmark_helpers.py). */
export const rayHarness: Harness = { settleMs: 10_000, warmUpMs: 1000, trials: 4, trialMs: 2000 };

/** Shows that everything works; its figures say little. */
export const quickHarness: Harness = { settleMs: 0, warmUpMs: 50, trials: 2, trialMs: 100 };

/** Operations per second. */
export interface Rate {
  readonly mean: number;
  readonly sd: number;
  /** The rate of each trial. */
  readonly trials: readonly number[];
}

/** How long single operations took, in microseconds. */
export interface RoundTrips {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/**
 * Ray's `timeit`, step by step: rest, warm up and count, then trials that look at the clock after every tenth of
 * that count. Each operation stands for `multiplier` of what is counted.
 */
export async function timeit(operation: Operation, multiplier: number, harness: Harness): Promise<Rate> {
  await sleep(harness.settleMs);
  let warm = 0;
  for (const start = performance.now(); performance.now() - start < harness.warmUpMs; warm++) {
    const pending = operation();
    if (pending !== undefined) await pending;
  }
  const step = Math.floor(warm / 10) + 1;
  const trials: number[] = [];
  for (let trial = 0; trial < harness.trials; trial++) {
    const start = performance.now();
    let count = 0;
    while (performance.now() - start < harness.trialMs) {
      for (let i = 0; i < step; i++) {
        const pending = operation();
        if (pending !== undefined) await pending;
      }
      count += step;
    }
    trials.push((multiplier * count) / ((performance.now() - start) / 1000));
  }
  return { mean: mean(trials), sd: standardDeviation(trials), trials };
}

/** Times every single operation for as long as one trial takes. It is to be warm already. */
export async function timeEach(operation: Operation, harness: Harness): Promise<RoundTrips> {
  const times: number[] = [];
  const end = performance.now() + harness.trialMs;
  for (let before = performance.now(); before < end; ) {
    await operation();
    const after = performance.now();
    times.push((after - before) * 1000);
    before = after;
  }
  const sorted = Float64Array.from(times).sort();
  return {
    count: sorted.length,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    p999: percentile(sorted, 0.999),
  };
}
