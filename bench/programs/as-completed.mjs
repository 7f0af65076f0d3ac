/** `asCompleted` of refs that are there, against `get` of the list, by turns in one process. */
import { check, parameters, report } from '../lib/child.mjs';
import { asCompleted, get, init, put, shutdown } from '../lib/mobula.mjs';
import { median } from '../lib/stats.mjs';

const { count, rounds } = parameters;
await init({ numCpus: 1 });
const refs = Array.from({ length: count }, (_, i) => put(i));
await get(refs.at(-1));
const times = { all: [], each: [] };
for (let round = 0; round < rounds; round += 1) {
  const started = performance.now();
  const values = await get(refs);
  const middle = performance.now();
  let seen = 0;
  for await (const ref of asCompleted(refs)) seen += ref === undefined ? 0 : 1;
  times.all.push(middle - started);
  times.each.push(performance.now() - middle);
  check(values.length === count && seen === count, `${seen} of ${count}`);
}
report({ all: median(times.all), each: median(times.each) });
await shutdown();
