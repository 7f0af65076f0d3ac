import { Coverage, disasters } from './coverage.ts';
import { Disasters } from './disasters.ts';
import { withoutRealWorld } from './guard.ts';
import { type Protocol, type Verdict, Violation } from './scenario.ts';
import { show, Trace } from './trace.ts';
import { World } from './world.ts';

/** What came of one seed. */
export interface Outcome {
  readonly seed: number;
  /** The rule that did not hold. */
  readonly failure: string | undefined;
  /** What happened, a line each, if it was asked for. */
  readonly history: readonly string[];
  /** The same for the same history. */
  readonly digest: number;
  readonly steps: number;
  readonly coverage: Coverage;
  readonly verdict: Verdict;
}

const usual = { failing: 4000, patience: 60_000 };
/** Things fail for so many times as long as planned, at most, until enough has happened. */
const MOST_ROUNDS = 8;

function isTooLittle({ messages, faults }: Coverage, { least }: Protocol): boolean {
  return least !== undefined && (messages < least.messages || faults < least.faults);
}

/** Runs one seed: for a while things fail, then nothing does, and all work must end. */
export function runSeed(protocol: Protocol, seed: number, options: { bug?: string; history?: boolean } = {}): Outcome {
  const trace = new Trace(options.history === true);
  const coverage = new Coverage(protocol.messages, protocol.without);
  let verdict: Verdict = { checked: 0, notChecked: 0 };
  let failure: string | undefined;
  let steps = 0;
  withoutRealWorld(() => {
    const world = new World(protocol, seed, options.bug, trace, coverage);
    try {
      verdict = live(world, protocol, coverage);
    } catch (error) {
      failure = error instanceof Violation ? error.message : `a step threw: ${(error as Error).stack ?? error}`;
    }
    steps = world.steps;
    if (failure !== undefined) {
      for (const { name } of world.scenario.hosts) {
        trace.add(world.time, world.process(name)?.self.id ?? name, 'STATE', () =>
          show(world.process(name)?.life.state),
        );
      }
    }
  });
  return { seed, failure, history: trace.lines, digest: trace.digest, steps, coverage, verdict };
}

function live(world: World, protocol: Protocol, coverage: Coverage): Verdict {
  const { failing, patience } = protocol.times ?? usual;
  const nemesis = new Disasters(world, coverage);
  const chance = world.chance('plan');
  const possible = disasters.filter((kind) => protocol.without?.includes(kind) !== true);
  let until = 0;
  do {
    nemesis.plan(possible, (4 + chance.below(8)) * chance.pick([1, 1, 2]), failing);
    world.network.seam.plan((6 + chance.below(12)) * chance.pick([1, 1, 2, 4]), failing);
    until += failing;
    world.runUntil(until);
  } while (isTooLittle(coverage, protocol) && until < MOST_ROUNDS * failing);
  world.trace.add(world.time, '', 'CALM', () => 'nothing fails from here on');
  nemesis.end();
  world.network.seam.calm = true;
  world.network.links.calm = true;
  let missing: string | undefined;
  world.runUntil(until + patience, () => {
    missing = world.scenario.waitsFor();
    return missing === undefined;
  });
  if (missing === undefined) return world.scenario.finish();
  const hangs = `${patience / 1000} s after the last fault still waiting: ${missing}`;
  try {
    world.scenario.finish();
  } catch (error) {
    throw new Violation(`${hangs}; and ${(error as Error).message}`);
  }
  throw new Violation(hangs);
}
