/** Inside a task: from `get(ref)` to a view one can read, for an object this worker has not seen before. */
import { check, parameters, report } from '../lib/child.mjs';
import { allocate, get, init, put, remote, shutdown } from '../lib/mobula.mjs';
import { median } from '../lib/stats.mjs';

const MIB = 2 ** 20;
const WARM_UP = 64;
const { mib, samples } = parameters;
// Room for every sample at once: when a worker lets go of a view is its garbage collector's business.
await init({ numCpus: 1, objectStoreMemory: `${mib * samples + WARM_UP + 256}MiB` });

const probe = remote(async function probe([ref]) {
  const started = performance.now();
  const view = await get(ref);
  const last = view[view.length - 1];
  const first = 1000 * (performance.now() - started);
  const startedAgain = performance.now();
  await get(ref);
  return { first, again: 1000 * (performance.now() - startedAgain), last, length: view.length };
});

/** Stores an object of its own for every sample, and has it read through a nested ref. */
async function sample(mebibytes, mark, readSmall) {
  const numbers = allocate(Float64Array, (mebibytes * MIB) / 8);
  numbers.fill(mark);
  const ref = put(numbers);
  // Storing a large object takes long: without this, what is measured first is a worker whose caches have gone cold.
  for (let n = 0; n < 10; n += 1) await readSmall?.();
  const { first, again, last, length } = await get(probe.remote([ref]));
  check(last === mark && length === (mebibytes * MIB) / 8, `object ${mark} came as ${length} times ${last}`);
  ref[Symbol.dispose]();
  return { first, again };
}

for (let n = 0; n < WARM_UP; n += 1) await sample(1, -n);
const smallRef = put(new Float64Array(2 ** 17));
const readSmall = () => get(probe.remote([smallRef]));
const results = [];
for (let n = 1; n <= samples; n += 1) results.push(await sample(mib, n, readSmall));
report({ first: median(results.map(({ first }) => first)), again: median(results.map(({ again }) => again)) });
await shutdown();
