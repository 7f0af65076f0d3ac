import type { Operation } from './harness.ts';

/** A case that is set up. */
export interface Ready {
  readonly operation: Operation;
  /** Undoes the setting up. */
  readonly end?: () => Promise<void>;
}

/** Something to measure. */
export interface Case {
  readonly name: string;
  /** How many of what is counted one operation is. */
  readonly multiplier: number;
  /** What is counted: "per second" of these. */
  readonly unit: string;
  /** One operation is a call and its answer, so that the time of each is worth knowing. */
  readonly roundTrip?: true;
  /** Ray's own cases follow Ray's harness; the others are measured by the `benchmark` package. */
  readonly by: 'ray' | 'benchmark';
  setUp(): Promise<Ready>;
}
