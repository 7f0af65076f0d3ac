/** One call at a time: how long each takes. */
import { parameters, report } from '../lib/child.mjs';
import { percentile } from '../lib/stats.mjs';
import { openSystem } from '../lib/systems.mjs';

const { calls, warmUp } = parameters;
const { call, close } = await openSystem(parameters);

for (let n = 0; n < warmUp; n += 1) await call();
const times = new Float64Array(calls);
for (let n = 0; n < calls; n += 1) {
  const started = performance.now();
  await call();
  times[n] = 1000 * (performance.now() - started);
}
report({ p50: percentile(times, 0.5), p99: percentile(times, 0.99) });
await close();
