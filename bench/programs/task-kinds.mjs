/** Tasks per second of several kinds against plain ones, by turns in one process: 10 000 outstanding, each ref got on its own. */
import { check, parameters, report } from '../lib/child.mjs';
import { get, init, remote, shutdown } from '../lib/mobula.mjs';
import { median } from '../lib/stats.mjs';

const { kinds, outstanding, rounds, workers } = parameters;
await init({ numCpus: workers });
const noop = remote(function noop(number) {
  return number;
});
const all = { plain: {}, ...kinds };
const variants = Object.entries(all).map(([name, options]) => ({ name, run: noop.options(options), rates: [] }));

async function rate(variant) {
  const started = performance.now();
  const results = await Promise.all(Array.from({ length: outstanding }, (_, i) => get(variant.run.remote(i))));
  check(results.at(-1) === outstanding - 1, 'the results are not those asked for');
  return (1000 * outstanding) / (performance.now() - started);
}

for (let round = -variants.length; round < rounds; round += 1) {
  // Each is first as often as the others.
  for (const [i] of variants.entries()) {
    const variant = variants[(i + round + variants.length) % variants.length];
    const measured = await rate(variant);
    if (round >= 0) variant.rates.push(measured);
  }
}
report(Object.fromEntries(variants.map(({ name, rates }) => [name, median(rates)])));
await shutdown();
