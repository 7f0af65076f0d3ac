/**
 * One 64 MiB object that 64 tasks have read: how long a later read of a number from each of its pages takes, one at a time. In
 * the same run one task keeps its view and another writes into its own, and neither shows in later reads.
 */
import { BareWorkers } from '../compare/bare.mjs';
import { sum } from '../compare/bodies.mjs';
import { check, parameters, report } from '../lib/child.mjs';
import { median } from '../lib/stats.mjs';

const READS = 64;
const STEP = 512;
/** The store makes pages huge behind the readers' backs; it takes a few milliseconds a MiB. */
const SETTLE_MS = 2000;
const source = new Float64Array((64 * 2 ** 20) / 8).fill(1);
const expected = Math.ceil(source.length / STEP);
const { read, disturb, close } = parameters.system === 'mobula' ? await openMobula() : openBare();

async function openMobula() {
  const { get, init, put, remote, shutdown } = await import('../lib/mobula.mjs');
  await init({ numCpus: 2, objectStoreMemory: '1GiB' });
  const ref = put(source);
  const task = remote(sum);
  const keep = remote((numbers) => {
    globalThis.kept = numbers;
    return numbers[0];
  });
  const write = remote((numbers) => {
    numbers.fill(7);
    return numbers[0];
  });
  const disturb = async () => {
    check((await get(keep.remote(ref))) === 1, 'the task that keeps its view reads what was put');
    check((await get(write.remote(ref))) === 7, 'the task that writes reads what it wrote');
  };
  return { read: () => get(task.remote(ref, STEP)), disturb, close: shutdown };
}

function openBare() {
  const bare = new BareWorkers(2, { body: 'sumShared' });
  const shared = new SharedArrayBuffer(source.byteLength);
  new Float64Array(shared).set(source);
  return { read: () => bare.call({ shared, step: STEP }), disturb: async () => undefined, close: () => bare.close() };
}

async function timeReads() {
  const times = [];
  for (let n = 0; n < READS; n += 1) {
    const started = performance.now();
    const total = await read();
    times.push(performance.now() - started);
    check(total === expected, `${total} is not ${expected}`);
  }
  return median(times);
}

const first = await timeReads();
await disturb();
await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
report({ first, later: await timeReads() });
await close();
