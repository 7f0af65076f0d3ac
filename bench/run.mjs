/**
 * Measures mobula and its rivals, row by row as README.md lists them.
 *
 *     npm run bench [-- --filter text --repeats 5 --quick --json file --list --against commit --cluster]
 *
 * A figure that is not met is reported; it is not an error.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runAgainst } from './against.mjs';
import { clusterCases } from './cases/cluster.mjs';
import { cases } from './cases/index.mjs';
import { measure } from './lib/harness.mjs';
import { describeMachine } from './lib/machine.mjs';
import { installRivals } from './lib/rivals.mjs';
import { printFigures, printMeasures, printSummary } from './lib/table.mjs';

const { values: options } = parseArgs({
  options: {
    filter: { type: 'string', default: '' },
    repeats: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    list: { type: 'boolean', default: false },
    cluster: { type: 'boolean', default: false },
    against: { type: 'string' },
  },
});
/** With --cluster those of several processes, and only those. */
const selected = (options.cluster ? clusterCases : cases).filter(({ name }) =>
  options.filter.split(',').some((part) => name.includes(part)),
);

if (options.list) {
  for (const { name, title } of selected) console.log(`${name.padEnd(20)} ${title}`);
} else if (selected.length === 0) {
  fail(`no case has "${options.filter}" in its name; --list shows them all`);
} else if (!existsSync(new URL('../dist/index.js', import.meta.url))) {
  fail('dist/index.js is missing: npm run build makes it');
} else {
  await runAll();
}

async function runAll() {
  installRivals();
  const machine = describeMachine();
  console.log(
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB; Node ${machine.node}; ${machine.date}`,
  );
  if (machine.load > 0.5) console.log(`Careful: the load is ${machine.load.toFixed(1)} before anything started.`);

  if (options.against !== undefined) return compareWith(machine, options.against);

  const results = [];
  for (const benchCase of selected) results.push(await runCase(benchCase));
  console.log('\nSummary\n');
  printSummary(results);
  if (options.json !== undefined)
    writeFileSync(options.json, `${JSON.stringify({ machine, results }, undefined, 2)}\n`);
}

async function compareWith(machine, commit) {
  const repeats = options.repeats === undefined ? undefined : Number(options.repeats);
  const rows = await runAgainst(selected, commit, { repeats, onRun: showRun });
  if (options.json !== undefined)
    writeFileSync(options.json, `${JSON.stringify({ machine, commit, rows }, undefined, 2)}\n`);
}

async function runCase(benchCase) {
  const { name, title } = benchCase;
  console.log(`\n${name}: ${title}`);
  const repeats = Number(options.repeats ?? (options.quick ? 1 : (benchCase.repeats ?? 5)));
  const measures = await measure(benchCase.configs, { repeats, onRun: showRun });
  clearRun();
  const figures = benchCase.figures(measures);
  printMeasures(benchCase, measures);
  printFigures(figures);
  return { name, title, measures, figures };
}

function showRun({ label }, repeat) {
  if (process.stderr.isTTY) process.stderr.write(`\r  run ${repeat + 1}: ${label}\u001b[K`);
}

function clearRun() {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
}

function fail(message) {
  console.error(`bench: ${message}`);
  process.exitCode = 2;
}
