import { Coverage } from './coverage.ts';
import type { Protocol } from './scenario.ts';
import { type Outcome, runSeed } from './seed.ts';

/** What came of many seeds. */
export interface Summary {
  readonly failed: Outcome | undefined;
  readonly seeds: number;
  readonly steps: number;
  readonly checked: number;
  /** Histories of keys that were too hard to check: no passes. */
  readonly notChecked: number;
  readonly coverage: Coverage;
  /** What the smallest seed had. */
  readonly least: { readonly messages: number; readonly faults: number };
}

/** Runs the seeds from `first` on, up to the first that fails. */
export function runSeeds(protocol: Protocol, first: number, count: number, bug?: string): Summary {
  const coverage = new Coverage(protocol.messages, protocol.without);
  let [steps, checked, notChecked] = [0, 0, 0];
  let least = { messages: Number.POSITIVE_INFINITY, faults: Number.POSITIVE_INFINITY };
  for (let seed = first; seed < first + count; seed++) {
    const outcome = runSeed(protocol, seed, bug === undefined ? {} : { bug });
    coverage.add(outcome.coverage);
    const { messages, faults } = outcome.coverage;
    least = { messages: Math.min(least.messages, messages), faults: Math.min(least.faults, faults) };
    steps += outcome.steps;
    checked += outcome.verdict.checked;
    notChecked += outcome.verdict.notChecked;
    if (outcome.failure !== undefined) {
      return { failed: outcome, seeds: seed - first + 1, steps, checked, notChecked, coverage, least };
    }
  }
  return { failed: undefined, seeds: count, steps, checked, notChecked, coverage, least };
}
