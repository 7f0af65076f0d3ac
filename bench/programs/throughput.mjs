/** Calls per second with a number of calls outstanding; every result is awaited on its own. */
import { parameters, report } from '../lib/child.mjs';
import { median } from '../lib/stats.mjs';
import { openSystem } from '../lib/systems.mjs';

const WARM_UP = 10_000;
const WARM_UP_MS = 1000;
const { outstanding, measureMs = 1000, maxRounds = 15 } = parameters;
const system = await openSystem(parameters);

async function timeRound(count) {
  const started = performance.now();
  await system.runMany(count);
  return performance.now() - started;
}

// Short rounds until warm; then one of full size, unless that would take long anyway.
const warmUpEnds = performance.now() + WARM_UP_MS;
let perCall = 0;
for (let round = 0; round < 8 && performance.now() < warmUpEnds; round += 1) {
  perCall = (await timeRound(Math.min(outstanding, WARM_UP))) / Math.min(outstanding, WARM_UP);
}
if (outstanding > WARM_UP && perCall * outstanding < 500) await timeRound(outstanding);

const times = [];
const ends = performance.now() + measureMs;
while (times.length < maxRounds && (times.length === 0 || performance.now() < ends)) {
  times.push(await timeRound(outstanding));
}
report({ rate: (1000 * outstanding) / median(times) });
await system.close();
