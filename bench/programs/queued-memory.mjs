/** Memory per task while a million wait behind one that does not end: everything counts, also the refs. */
import { parameters, report } from '../lib/child.mjs';
import { physicalBytes, settle } from '../lib/memory.mjs';
import { get, init, remote, shutdown } from '../lib/mobula.mjs';

const { queued } = parameters;
await init({ numCpus: 1 });

const task = remote(function task() {});
// It waits for a timer and not for a ref, so it keeps the only CPU.
const gate = remote(async function gate(shared) {
  const flag = new Int32Array(shared);
  while (Atomics.load(flag, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 2));
});

await get(Array.from({ length: 10_000 }, () => task.remote()));
await settle();

const shared = new SharedArrayBuffer(4);
const gateRef = gate.remote(shared);
const refs = new Array(queued).fill(undefined);
const before = physicalBytes();
const started = performance.now();
for (let n = 0; n < queued; n += 1) refs[n] = task.remote();
const submitMs = performance.now() - started;
await settle();
const bytes = (physicalBytes() - before) / queued;

const flag = new Int32Array(shared);
Atomics.store(flag, 0, 1);
await get(gateRef);
const drainStarted = performance.now();
for (const ref of refs) await get(ref);
report({ bytes, submitRate: (1000 * queued) / submitMs, drainMs: performance.now() - drainStarted });
await shutdown();
