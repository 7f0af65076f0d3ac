/** The same arrays to and from a pool of child processes: as results, as arguments, and one that all calls take. */
import { fileURLToPath } from 'node:url';
import { check, parameters, report } from '../lib/child.mjs';
import { median } from '../lib/stats.mjs';

const { mib = 8, tasks = 16, rounds = 7 } = parameters;
const bytes = mib * 2 ** 20;
const { Tinypool } = await import(new URL('../compare/node_modules/tinypool/dist/index.js', import.meta.url).href);
const filename = fileURLToPath(new URL('../compare/workers/module.mjs', import.meta.url));
const pool = new Tinypool({
  runtime: 'child_process',
  serialization: 'advanced',
  filename,
  minThreads: 1,
  maxThreads: 1,
  concurrentTasksPerWorker: 16,
});

/** Milliseconds for each of `tasks` calls. */
async function round(name, argument) {
  const started = performance.now();
  const values = await Promise.all(Array.from({ length: tasks }, () => pool.run(argument, { name })));
  const ms = (performance.now() - started) / tasks;
  check(
    values.every((value) => (value.length ?? value) === bytes),
    'an array has another length',
  );
  return ms;
}

async function measure(name, argument) {
  for (let n = 0; n < 4; n += 1) await round(name, argument);
  const times = [];
  for (let n = 0; n < rounds; n += 1) times.push(await round(name, argument));
  return median(times);
}

const array = new Uint8Array(bytes).fill(3);
const resultMs = await measure('make', bytes);
const argumentMs = await measure('lengthOf', array);
// It has no other way for one array that many calls take.
report({ resultMs, argumentMs, sharedMs: argumentMs });
await pool.destroy();
process.exit();
