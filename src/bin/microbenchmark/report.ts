import { availableParallelism, cpus, totalmem } from 'node:os';
import { version } from '../../common/version.ts';
import type { Case } from './case.ts';
import type { Rate, RoundTrips } from './harness.ts';

/** What a case came to. */
export interface Result {
  readonly name: string;
  readonly by: Case['by'];
  /** What there are so many of per second. */
  readonly unit: string;
  readonly rate?: Rate;
  readonly roundTrips?: RoundTrips;
  /** Why there is no rate. */
  readonly error?: string;
}

/** Where and how it was measured, and what. */
export interface Report {
  readonly mobula: string;
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly date: string;
  /** Measured so briefly that the figures say little. */
  readonly quick: boolean;
  readonly results: readonly Result[];
}

export function makeReport(results: readonly Result[], quick: boolean): Report {
  return {
    mobula: version,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    date: new Date().toISOString(),
    quick,
    results,
  };
}

/** Two decimals, as Ray prints. */
const round = (value: number): string => String(Math.round(value * 100) / 100);

/** One line, as `ray microbenchmark` prints it, and one more for round trips. */
export function toText({ name, rate, roundTrips, error }: Result): string {
  if (rate === undefined) return `${name} failed: ${error}`;
  const line = `${name} per second ${round(rate.mean)} +- ${round(rate.sd)}`;
  if (roundTrips === undefined) return line;
  const { count, p50, p99, p999 } = roundTrips;
  return `${line}\n  round trip, µs: p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, p99.9 ${p999.toFixed(1)} (of ${count})`;
}
