// `npm run chaos`: tasks of several kinds, values checked, while a worker is killed every few milliseconds.
import { parseArgs } from 'node:util';
import { threadId } from 'node:worker_threads';
import { availableResources, clusterResources, get, init, type ObjectRef, put, remote, shutdown } from 'mobula';
import { assertBack, footprint } from '../support/baseline.ts';
import { Ledger } from '../support/ledger.ts';
import { Random } from '../support/random.ts';
import { assertQuiet } from '../support/suite.ts';
import { Workers } from '../support/workers.ts';

const { values: given } = parseArgs({
  options: {
    tasks: { type: 'string', default: '100000' },
    'kill-every': { type: 'string', default: '50' },
    /** How many of the tasks may run again, in percent. */
    again: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
  },
});
const tasks = Number(given.tasks);
const killEvery = Number(given['kill-every']);
const random = new Random(Number(given.seed));
/** Tasks in flight at once. */
const WINDOW = Math.min(2000, tasks / 5);

/** How often tasks begin, and how many tasks have submitted; in memory that all threads share. */
const begun = new Int32Array(new SharedArrayBuffer(8));

/** 1 for threads that have run a task, by their number. */
const up = new Int32Array(new SharedArrayBuffer(2 ** 20));

const busy = remote((n: number, begins: Int32Array, threads: Int32Array) => {
  Atomics.add(begins, 0, 1);
  Atomics.store(threads, threadId % threads.length, 1);
  let sum = n;
  for (let i = 0; i < 2_000; i++) sum = (sum * 31 + i) % 1_000_003;
  return sum;
});
const fresh = remote((n: number, begins: Int32Array) => {
  Atomics.add(begins, 0, 1);
  return new Uint8Array(16 * 1024).fill(n % 251);
});
const reader = remote((bytes: Uint8Array, begins: Int32Array) => {
  Atomics.add(begins, 0, 1);
  return bytes.every((byte) => byte === bytes[0]) ? bytes[0] : -1;
});
const nested = remote(async (n: number, begins: Int32Array) => {
  Atomics.add(begins, 0, 1);
  Atomics.add(begins, 1, 1);
  return (await get(small.remote(n, begins))) + 1;
});
const small = remote((n: number, begins: Int32Array) => {
  Atomics.add(begins, 0, 1);
  return n * 3;
});

function expectedOfBusy(n: number): number {
  let sum = n;
  for (let i = 0; i < 2_000; i++) sum = (sum * 31 + i) % 1_000_003;
  return sum;
}

const before = footprint();
const workers = new Workers();
await init({ numCpus: 2, objectStoreMemory: '128MiB' });
const shared: ObjectRef<Uint8Array>[] = Array.from({ length: 16 }, (_, i) => put(new Uint8Array(32 * 1024).fill(i)));
const ledger = new Ledger();
/** A worker may be killed at any moment; only a task that is killed without end would run out of attempts. */
const options = { maxRetries: -1 };
/** Tasks whose result is the argument of another. */
let fed = 0;
let [kills, lastKill] = [0, performance.now()];
const began = performance.now();
const killer = setInterval(() => {
  if (performance.now() - began < killEvery * (kills + 1)) return;
  // One that is still starting is no worker yet.
  if (!workers.kill(random.below(8), ({ threadId: id }) => up[id % up.length] === 1)) return;
  kills++;
  lastKill = performance.now();
}, 2);

const submit = (n: number): void => {
  switch (n % 4) {
    case 0:
      ledger.value(busy.options(options).remote(n, begun, up), expectedOfBusy(n), `busy ${n}`);
      break;
    case 1: {
      fed++;
      const bytes = fresh.options(options).remote(n, begun);
      ledger.value(reader.options(options).remote(bytes, begun), n % 251, `fresh ${n}`);
      break;
    }
    case 2:
      ledger.value(reader.options(options).remote(shared[n % 16] as ObjectRef<Uint8Array>, begun), n % 16, `read ${n}`);
      break;
    default:
      ledger.value(nested.options(options).remote(n, begun), n * 3 + 1, `nested ${n}`);
  }
};
for (let n = 0; n < tasks; n++) {
  submit(n);
  if (n % 500 === 499) {
    while (ledger.account.hanging > WINDOW) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
// The last kill comes when all is submitted and half of the last window is done.
while (ledger.account.hanging > WINDOW / 2) await new Promise((resolve) => setTimeout(resolve, 1));
clearInterval(killer);
const { lost, wrong, hanging } = await ledger.settle(Math.max(1, lastKill + 10_000 - performance.now()));
const seconds = (performance.now() - began) / 1000;
const submitted = ledger.account.refs + fed + (begun[1] as number);
const again = (100 * ((begun[0] as number) - submitted)) / submitted;
shared.length = 0;
await assertQuiet();
const free = JSON.stringify(availableResources()) === JSON.stringify(clusterResources());
await shutdown();
workers.stop();
await assertBack(before);

console.log(
  `chaos node=${process.versions.node} seed=${random.seed} tasks=${tasks} kills=${kills} every=${((1000 * seconds) / kills).toFixed(0)}ms seconds=${seconds.toFixed(1)} lost=${lost} wrong=${wrong} hanging=${hanging} run_again=${again.toFixed(2)}% resources_back=${free}`,
);
for (const problem of ledger.problems) console.log(problem);
if (lost + wrong + hanging > 0 || !free || again > Number(given.again)) process.exitCode = 1;
