/** Milliseconds after which the last of some tasks begins while the driver, that has submitted them, computes without a break. */
import { parameters, report } from '../lib/child.mjs';
import { get, init, remote, shutdown } from '../lib/mobula.mjs';
import { median } from '../lib/stats.mjs';

const { workers, rounds, computeMs } = parameters;
await init({ numCpus: workers });
const begin = remote(function begin(shared, place) {
  Atomics.store(shared, place, 1);
});
const shared = new Int32Array(new SharedArrayBuffer(4 * (workers + 1)));
for (let i = 0; i < 20; i += 1) await get(Array.from({ length: workers }, (_, place) => begin.remote(shared, place)));

const delays = [];
for (let round = 0; round < rounds; round += 1) {
  shared.fill(0);
  // A moment for the threads to fall asleep.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const submitted = performance.now();
  const refs = Array.from({ length: workers }, (_, place) => begin.remote(shared, place));
  let begun;
  while (performance.now() < submitted + computeMs) {
    if (begun === undefined && shared.subarray(0, workers).every((_, place) => Atomics.load(shared, place) === 1)) {
      begun = performance.now() - submitted;
    }
  }
  delays.push(begun ?? computeMs);
  await get(refs);
}
report({ delay: median(delays), most: Math.max(...delays) });
await shutdown();
