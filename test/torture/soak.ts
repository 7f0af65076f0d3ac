// `npm run soak`: mixed work with churn for minutes; then what grew.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cancel, context, get, init, type ObjectRef, put, remote, shutdown } from 'mobula';
import { assertBack, type Footprint, footprint } from '../support/baseline.ts';
import { collectEverywhere } from '../support/garbage.ts';
import { inside } from '../support/inside.ts';
import { Ledger } from '../support/ledger.ts';
import { fit } from '../support/line.ts';
import { settledBytes } from '../support/machine.ts';
import { meet } from '../support/meet.ts';
import { Random } from '../support/random.ts';
import { assertQuiet } from '../support/suite.ts';

const { values: given } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    /** How much the memory may grow, in MiB an hour. */
    growth: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
  },
});
const totalMs = Number(given.minutes) * 60_000;
const random = new Random(Number(given.seed));

const add = remote((a: number, b: number) => a + b);
const sum = remote((bytes: Uint8Array) => bytes.reduce((total, byte) => total + byte, 0));
const make = remote((length: number, fill: number) => new Uint8Array(length).fill(fill));
const dies = remote((): number => process.exit(1), { maxRetries: 0 });
const fails = remote((): number => {
  throw new Error('on purpose');
});
/** It ends when it is cancelled: one that did not look at the signal would keep its share of a CPU for a minute. */
const sleeps = remote((ms: number) => sleep(ms, ms, { signal: context().signal }), { numCpus: 0.01 });
const counts = remote(async function* (n: number) {
  for (let i = 0; i < n; i++) yield i;
});
/** Ends once two threads run it: then both workers are up. */
const meets = remote(meet);
const Counter = remote(
  class {
    #n = 0;
    inc(): number {
      return ++this.#n;
    }
  },
);

/** One round of a bit of everything; every ref is accounted for. */
async function round(ledger: Ledger): Promise<void> {
  for (let i = 0; i < 200; i++) ledger.value(add.remote(i, 1), i + 1);
  for (let i = 0; i < 4; i++) {
    const fill = random.below(200);
    const length = 64 * 1024 + random.below(2 ** 20);
    ledger.value(sum.remote(make.remote(length, fill)), length * fill);
  }
  const table = put(new Uint8Array(2 ** 20).fill(3));
  for (let i = 0; i < 4; i++) ledger.value(sum.remote(table), 3 * 2 ** 20);
  const counter = Counter.options({ isolation: random.below(4) === 0 ? 'thread' : 'shared' }).remote();
  for (let i = 1; i <= 10; i++) ledger.value(counter.inc.remote(), i);
  ledger.failure(fails.remote(), 'ERR_MOBULA_TASK');
  if (random.below(4) === 0) ledger.failure(dies.remote(), 'ERR_MOBULA_WORKER_DIED');
  const stopped: ObjectRef<number> = sleeps.remote(60_000);
  await cancel(stopped);
  ledger.failure(stopped, 'ERR_MOBULA_TASK_CANCELLED');
  let seen = 0;
  for await (const ref of counts.remote(20)) seen += await get(ref);
  if (seen !== 190) throw new Error(`the stream gave ${seen}`);
  await ledger.assertRight(30_000);
}

/** What this process holds while nothing runs and no worker is missing. */
async function quietFootprint(): Promise<Footprint> {
  const { addon, port } = inside();
  addon.askToCollect(port.id);
  await collectEverywhere();
  await assertQuiet('any');
  const there = new Int32Array(new SharedArrayBuffer(4));
  await get([meets.remote(there), meets.remote(there)]);
  return footprint();
}

const names = ['descriptors', 'threads', 'segments', 'spillFiles', 'timers', 'children'] as const;

function least(a: Footprint, b: Footprint): Footprint {
  const lesser = { ...a };
  for (const name of names) lesser[name] = Math.min(a[name], b[name]);
  return lesser;
}

const outside = footprint();
await init({ numCpus: 2, objectStoreMemory: '32MiB' });
let refs = 0;
const samples: (readonly [hours: number, mebibytes: number])[] = [];
let warm: Footprint | undefined;
let rounds = 0;
const began = performance.now();
for (let next = began + totalMs / 120; performance.now() - began < totalMs; rounds++) {
  const ledger = new Ledger();
  await round(ledger);
  refs += ledger.account.refs;
  if (performance.now() < next) continue;
  next = performance.now() + totalMs / 120;
  const now = await quietFootprint();
  // The first third warms up: code is compiled, heaps and caches grow to their sizes.
  if (performance.now() - began < totalMs / 3) continue;
  // A thread that is just ending is in one of them, not in all.
  if (warm === undefined || performance.now() - began < (totalMs * 2) / 3) warm = least(warm ?? now, now);
  samples.push([(performance.now() - began) / 3_600_000, (await settledBytes()) / 2 ** 20]);
}
await quietFootprint();
// Threads that are ending take a moment.
if (warm !== undefined) await assertBack(warm).catch((error: Error) => console.error(error.message));
const last = footprint();
const changes = names.map((name) => `${name}=${last[name] - (warm?.[name] ?? 0)}`);
await shutdown();
await assertBack(outside);
const { slope: growth, error } = fit(samples);
console.log(
  `soak node=${process.versions.node} seed=${random.seed} minutes=${given.minutes} rounds=${rounds} refs=${refs} samples=${samples.length} memory=${samples.at(-1)?.[1].toFixed(0)}MiB slope=${growth.toFixed(2)}MiB/h±${error.toFixed(0)} ${changes.join(' ')}`,
);
if (!(growth < Number(given.growth)) || names.some((name) => last[name] > (warm?.[name] ?? 0))) process.exitCode = 1;
