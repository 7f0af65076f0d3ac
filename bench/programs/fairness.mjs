/** How many turns tasks that resubmit themselves on every CPU (1 ms each) have until a task of the driver's begins. */
import { parameters, report } from '../lib/child.mjs';
import { get, init, remote, shutdown } from '../lib/mobula.mjs';
import { median } from '../lib/stats.mjs';

const { workers, rounds, limitMs } = parameters;
const TURNS = 0;
const STOP = 1;
await init({ numCpus: workers });
const chain = remote(function turn(shared) {
  Atomics.add(shared, 0, 1);
  const ends = performance.now() + 1;
  while (performance.now() < ends);
  if (Atomics.load(shared, 1) === 0) chain.remote(shared);
});
const probe = remote(function probe(shared) {
  return Atomics.load(shared, 0);
});

const shared = new Int32Array(new SharedArrayBuffer(8));
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
// Known to every worker before the chains have them.
await get(Array.from({ length: 50 }, () => probe.remote(shared)));
for (let i = 0; i < workers; i += 1) chain.remote(shared);
while (Atomics.load(shared, TURNS) < 200) await pause(1);

const turns = [];
const gaveUp = setTimeout(() => Atomics.store(shared, STOP, 1), limitMs);
for (let round = 0; round < rounds && Atomics.load(shared, STOP) === 0; round += 1) {
  const before = Atomics.load(shared, TURNS);
  turns.push((await get(probe.remote(shared))) - before);
  await pause(3);
}
clearTimeout(gaveUp);
Atomics.store(shared, STOP, 1);
report({ turns: median(turns), most: Math.max(...turns) });
await shutdown();
