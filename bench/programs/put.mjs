/** `put` of 100 MiB into a new and into a warm store, and the memcpy of as much, in one process. */
import { parameters, report } from '../lib/child.mjs';
import { init, put, shutdown } from '../lib/mobula.mjs';
import { median, timed } from '../lib/stats.mjs';

const BYTES = 100 * 2 ** 20;
const { rounds } = parameters;
const source = new Uint8Array(BYTES).fill(7);
const target = new Uint8Array(BYTES).fill(1);

function putOnce() {
  let ref;
  const milliseconds = timed(() => {
    ref = put(source);
  });
  ref[Symbol.dispose]();
  return milliseconds;
}

function copyToFresh() {
  globalThis.gc?.();
  return timed(() => {
    Buffer.allocUnsafeSlow(BYTES).set(source);
  });
}

await init({ objectStoreMemory: '512MiB' });
put(source.subarray(0, 64))[Symbol.dispose](); // Loads the code, touches nothing of the store's size.
const putNew = putOnce();
for (let n = 0; n < 12; n += 1) putOnce();

const times = { putWarm: [], copyWarm: [], copyFresh: [] };
for (let round = 0; round < rounds; round += 1) {
  times.copyWarm.push(timed(() => target.set(source)));
  times.putWarm.push(putOnce());
  times.copyFresh.push(copyToFresh());
  // A turn of the event loop: releases may be batched.
  await new Promise((resolve) => setImmediate(resolve));
}

const rate = (milliseconds) => BYTES / 1e6 / milliseconds;
report({
  putNew: rate(putNew),
  putWarm: rate(median(times.putWarm)),
  copyFresh: rate(median(times.copyFresh)),
  copyWarm: rate(median(times.copyWarm)),
});
await shutdown();
