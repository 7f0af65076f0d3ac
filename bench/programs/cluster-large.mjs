/** Arrays of some MiB between a driver and a node of another process: as results, as arguments, and one that all tasks take. */
import { startCluster } from '../../dist/testing/index.js';
import { check, parameters, report } from '../lib/child.mjs';
import { get, init, put, remote, shutdown } from '../lib/mobula.mjs';
import { median } from '../lib/stats.mjs';

const { mib = 8, tasks = 16, rounds = 7 } = parameters;
const bytes = mib * 2 ** 20;

const cluster = await startCluster({ nodes: [{ numCpus: 1, objectStoreMemory: '1GiB' }] });
await init({ address: cluster.address, objectStoreMemory: '1GiB' });
const make = remote((length) => new Uint8Array(length).fill(7));
const lengthOf = remote((array) => array.length);
const array = new Uint8Array(bytes).fill(3);
const shared = put(array);

/** Milliseconds for each of `tasks` tasks. */
async function round(call) {
  const started = performance.now();
  const refs = Array.from({ length: tasks }, call);
  const values = await Promise.all(refs.map((ref) => get(ref)));
  const ms = (performance.now() - started) / tasks;
  check(
    values.every((value) => (value.length ?? value) === bytes),
    'an array has another length',
  );
  for (const ref of refs) ref[Symbol.dispose]();
  return ms;
}

async function measure(call) {
  for (let n = 0; n < 4; n += 1) await round(call);
  const times = [];
  for (let n = 0; n < rounds; n += 1) times.push(await round(call));
  return median(times);
}

const resultMs = await measure(() => make.remote(bytes));
const argumentMs = await measure(() => lengthOf.remote(array));
const sharedMs = await measure(() => lengthOf.remote(shared));
report({ resultMs, argumentMs, sharedMs });
await shutdown();
await cluster.stop();
