/**
 * Measures Ray's own microbenchmark on mobula, on Ray, on bare threads and on the pools; README.md says how.
 *
 *     npm run bench:compare [-- --filter pattern --quick]
 *
 * Writes bench/results/compare.{md,json,html}. Exit codes: 0, 1 if mobula failed in a case, 2 for a bad command line.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cases } from '../dist/bin/microbenchmark/cases/index.js';
import { select } from '../dist/bin/microbenchmark/select.js';
import { describeMachine } from './lib/machine.mjs';
import { installRivals } from './lib/rivals.mjs';
import { toPage } from './versus/page.mjs';
import { problems } from './versus/ratios.mjs';
import { prepareRay, rayVersion } from './versus/ray.mjs';
import { earlierResults, emptyResults, withCase, write } from './versus/results.mjs';
import { MOBULA, systemsFor } from './versus/systems.mjs';
import { toMarkdown } from './versus/table.mjs';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const rayCases = cases.filter(({ by }) => by === 'ray');
const order = rayCases.map(({ name }) => name);

function readCommandLine() {
  try {
    const { values } = parseArgs({
      options: { filter: { type: 'string' }, quick: { type: 'boolean', default: false } },
    });
    return { ...values, selected: select(rayCases, values.filter) };
  } catch (error) {
    console.error(`bench:compare: ${error.message}`);
    process.exitCode = 2;
    return undefined;
  }
}

async function run({ selected, quick, filter }) {
  installRivals();
  const noRay = await prepareRay();
  if (noRay !== undefined) console.log(`Ray is left out: ${noRay}.`);
  const machine = describeMachine();
  const versions = { mobula: version, ray: noRay === undefined ? rayVersion : undefined };
  if (machine.load > 0.5) console.log(`Careful: the load is ${machine.load.toFixed(1)} before anything is measured.`);

  let results = (filter === undefined ? emptyResults : earlierResults)(machine, versions, quick);
  for (const { name, unit } of selected) {
    results = withCase(results, await measureCase(name, unit, noRay === undefined, quick), order);
    // After every case, so that a run that is broken off leaves what it has.
    write('compare.json', `${JSON.stringify(results, undefined, 2)}\n`);
  }
  console.log(`\n${toMarkdown(results)}`);
  const files = [write('compare.md', toMarkdown(results)), write('compare.html', toPage(results))];
  console.log(`Written: bench/results/compare.json, ${files.join(', ')}`);
  process.exitCode = problems(results.cases).some(({ system }) => system === MOBULA) ? 1 : 0;
}

/** One case on all systems that have it, one right after another: each in a process of its own, with the machine to itself. */
async function measureCase(name, unit, withRay, quick) {
  console.log(`\n${name}`);
  const systems = {};
  for (const { system, measure } of systemsFor(name, withRay)) {
    const { result, problem } = await measure(quick);
    const { rate, roundTrips } = result ?? {};
    systems[system] = { rate, roundTrips, problem };
    const text = rate === undefined ? `failed: ${problem}` : `${rate.mean.toFixed(2)} +- ${rate.sd.toFixed(2)}`;
    console.log(`  ${system.padEnd(16)} ${text}`);
  }
  return { name, unit, systems };
}

const wanted = readCommandLine();
if (wanted !== undefined) await run(wanted);
