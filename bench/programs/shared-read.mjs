/** 64 tasks read one 64 MiB object: how long it takes, and how much memory it adds. */
import { BareWorkers } from '../compare/bare.mjs';
import { sum } from '../compare/bodies.mjs';
import { check, parameters, report } from '../lib/child.mjs';
import { peakDuring } from '../lib/memory.mjs';
import { median } from '../lib/stats.mjs';

const TASKS = 64;
const WARM_UP = 8;
const BYTES = 64 * 2 ** 20;
const { system, workers, step, rounds, memory } = parameters;
const source = new Float64Array(BYTES / 8).fill(1);
const expected = Math.ceil(source.length / step);
const { share, read, close } = system === 'mobula' ? await openMobula() : openBare();

async function openMobula() {
  const { get, init, put, remote, shutdown } = await import('../lib/mobula.mjs');
  await init({ numCpus: workers, objectStoreMemory: '2GiB' });
  const task = remote(sum);
  return { share: (numbers) => put(numbers), read: (ref) => get(task.remote(ref, step)), close: shutdown };
}

function openBare() {
  const bare = new BareWorkers(workers, { body: 'sumShared' });
  const share = (numbers) => {
    const shared = new SharedArrayBuffer(numbers.byteLength);
    new Float64Array(shared).set(numbers);
    return shared;
  };
  return { share, read: (shared) => bare.call({ shared, step }), close: () => bare.close() };
}

async function readByAll(object, total) {
  const sums = await Promise.all(Array.from({ length: TASKS }, () => read(object)));
  check(
    sums.every((value) => value === total),
    `${sums[0]} is not ${total}`,
  );
}

// Warm up on small objects; memory is measured on the first large one.
for (let n = 0; n < 20; n += 1) await readByAll(share(source.subarray(0, 2 ** 17)), Math.ceil(2 ** 17 / step));

if (memory) {
  const added = await peakDuring(() => readByAll(share(source), expected));
  report({ copies: added / BYTES });
} else {
  const times = [];
  // Every object is new to every worker; the memory that it lies in is warm once a few have come and gone.
  for (let round = -WARM_UP; round < rounds; round += 1) {
    const object = share(source);
    const started = performance.now();
    await readByAll(object, expected);
    if (round >= 0) times.push(performance.now() - started);
    object[Symbol.dispose]?.();
  }
  report({ ms: median(times) });
}
await close();
