/** What a cancel costs before and after many tasks have been, and the abort of many by one signal. */
import { check, parameters, report } from '../lib/child.mjs';
import { cancel, get, init, remote, shutdown } from '../lib/mobula.mjs';
import { median } from '../lib/stats.mjs';

const { peak, aborted, workers } = parameters;
const ROUNDS = 200;
await init({ numCpus: workers });

const noop = remote(function noop() {
  return 0;
});

/** Microseconds of a cancel of a task that waits. */
async function timeCancel() {
  const times = [];
  const blocked = noop.remote();
  await get(blocked);
  for (let round = -20; round < ROUNDS; round += 1) {
    const ref = noop.remote();
    const started = performance.now();
    await cancel(ref);
    if (round >= 0) times.push(1000 * (performance.now() - started));
    await get(ref).catch(() => undefined);
  }
  return median(times);
}

const before = await timeCancel();
await get(Array.from({ length: peak }, () => noop.remote()));
const after = await timeCancel();

const controller = new AbortController();
const never = remote(function never() {
  return 0;
}).options({ signal: controller.signal });
const root = remote(async function root() {
  await new Promise((resolve) => setTimeout(resolve, 3_000));
});
// So many CPUs are taken that none of the tasks begins.
const busy = Array.from({ length: workers }, () => root.remote());
const refs = Array.from({ length: aborted }, () => never.remote());
const settled = Promise.allSettled(refs.map((ref) => get(ref)));
await new Promise((resolve) => setTimeout(resolve, 100));
const started = performance.now();
controller.abort();
const outcomes = await settled;
const abortMs = performance.now() - started;
const cancelled = outcomes.filter(({ status }) => status === 'rejected').length;
check(cancelled > 0.9 * aborted, `${cancelled} of ${aborted} were cancelled`);
report({ before, after, abortMs });
await get(busy);
await shutdown();
