import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { protocols } from './protocols.ts';
import type { Protocol } from './scenario.ts';
import { type Outcome, runSeed } from './seed.ts';
import { runSeeds } from './seeds.ts';

// `npm run sim`: the arguments are in docs/simulator.md.

/** So many seeds must have made every fault of every message. */
const enoughForTable = 300;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    protocol: { type: 'string' },
    bug: { type: 'string' },
    bugs: { type: 'boolean', default: false },
  },
});

function whole(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new RangeError(`--${name} takes a whole number, not ${text}`);
  return number;
}

/** The chosen protocols, or all; with a bug, those that have it. */
function chosen(): readonly Protocol[] {
  const { protocol, bug } = values;
  const named = protocols.filter(({ name }) => protocol === undefined || name === protocol);
  if (named.length === 0) throw new RangeError(`--protocol takes ${protocols.map(({ name }) => name).join(', ')}`);
  const having = named.filter(({ bugs }) => bug === undefined || bugs.includes(bug));
  if (having.length > 0) return having;
  const all = named.flatMap(({ name, bugs }) => bugs.map((each) => `'${each}' (${name})`));
  throw new RangeError(`--bug takes ${all.join(', ')}`);
}

/** How many of a history's last lines a run of many seeds prints. */
const lastLines = 400;

/** Prints a failure with its history, which is made by running the seed again. */
function report(protocol: Protocol, failed: Outcome): void {
  const again = runSeed(protocol, failed.seed, { ...bugOption(), history: true });
  for (const line of again.history.slice(-lastLines)) console.log(line);
  if (again.digest !== failed.digest)
    console.log(`seed ${failed.seed} does not repeat: something is not taken from env`);
  console.log(`\nseed ${failed.seed} of ${protocol.name} failed: ${failed.failure}`);
  const bug = values.bug === undefined ? '' : ` --bug '${values.bug}'`;
  console.log(
    `its whole history (${again.history.length} lines): npm run sim -- --protocol ${protocol.name} --seed ${failed.seed}${bug}`,
  );
}

function bugOption(): { bug?: string } {
  return values.bug === undefined ? {} : { bug: values.bug };
}

/** One seed, with its history. */
function single(protocol: Protocol, seed: number): boolean {
  const outcome = runSeed(protocol, seed, { ...bugOption(), history: true });
  for (const line of outcome.history) console.log(line);
  const { coverage, verdict, failure, steps } = outcome;
  console.log(`\nseed ${seed} of ${protocol.name}: ${failure ?? 'no violation'}`);
  console.log(
    `${coverage.messages} messages, ${coverage.faults} faults, ${steps} steps, not checked: ${verdict.notChecked}`,
  );
  return failure === undefined;
}

function many(protocol: Protocol, first: number, count: number): boolean {
  const began = performance.now();
  const { failed, seeds, steps, checked, notChecked, coverage, least } = runSeeds(protocol, first, count, values.bug);
  const seconds = (performance.now() - began) / 1000;
  if (failed !== undefined) report(protocol, failed);
  const zeros = coverage.zeros();
  console.log(`${protocol.name}: ${coverage}`);
  console.log(
    `${seeds} seeds, ${(seeds / seconds).toFixed(0)}/s; a seed: ${Math.round(steps / seeds)} steps, ` +
      `${Math.round(coverage.messages / seeds)} messages (${least.messages} at least), ` +
      `${(coverage.faults / seeds).toFixed(1)} faults (${least.faults} at least); ` +
      `histories checked ${checked}, not checked ${notChecked}`,
  );
  if (seeds >= enoughForTable && zeros.length > 0) console.log(`never happened: ${zeros.join(', ')}`);
  if (notChecked * 100 > checked) console.log('too many histories were not checked');
  return failed === undefined && (seeds < enoughForTable || zeros.length === 0) && notChecked * 100 <= checked;
}

/** Every planted bug must be found. */
function allBugs(protocol: Protocol, first: number, count: number): boolean {
  let all = true;
  for (const bug of protocol.bugs) {
    const { failed } = runSeeds(protocol, first, count, bug);
    const rule = failed?.failure?.split('\n')[0] ?? '';
    if (failed === undefined) all = false;
    console.log(
      `${bug.padEnd(40)} ${failed === undefined ? `NOT FOUND in ${count} seeds` : `seed ${failed.seed}: ${rule}`}`,
    );
  }
  return all;
}

/** Whether all that was asked for is as it should be. */
function main(): boolean {
  const first = whole('seed', values.seed ?? '1');
  const count = whole('seeds', values.seeds ?? '1000');
  const one = values.seeds === undefined && values.seed !== undefined;
  const results = chosen().map((protocol) => {
    if (values.bugs) return allBugs(protocol, first, count);
    return one ? single(protocol, first) : many(protocol, first, count);
  });
  return results.every(Boolean);
}

try {
  process.exitCode = main() ? 0 : 1;
} catch (error) {
  if (!(error instanceof RangeError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
