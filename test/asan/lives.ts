// `node lives.js LIVES`: workers that end while they hold views and unsealed objects, in every way a worker can end.
// Run under AddressSanitizer by `npm run test:asan`.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { allocate, get, init, type ObjectRef, put, remote, shutdown, TaskTimeoutError, WorkerDiedError } from 'mobula';
import { collectEverywhere } from '../support/garbage.ts';
import { meet } from '../support/meet.ts';
import { assertQuiet } from '../support/suite.ts';

const LIVES = Number(process.argv[2] ?? 100);
const BYTES = 2 ** 19;

assert.match(readFileSync('/proc/self/maps', 'utf8'), /libasan/, 'the sanitizer is not loaded');
await init({ numCpus: 2, objectStoreMemory: '16MiB' });

/** Ends with views that were written into, an object that is open, and one that was just sealed. */
const end = remote(
  async (how: number, views: ObjectRef<Uint8Array>[]) => {
    const held = await get(views);
    for (const view of held) view[0] = 9;
    const open = allocate(Uint8Array, 2 ** 18);
    open.fill(1);
    const sealed = put(allocate(Uint8Array, 2 ** 18).fill(2));
    Reflect.set(globalThis, 'kept', [held, open, sealed]);
    if (how === 0) process.exit(3);
    if (how === 1) for (;;);
    if (how === 2) await new Promise(() => undefined);
    if (how === 3) void Promise.reject(new Error('nobody catches this'));
    if (how === 4) throw new RangeError('thrown');
    Reflect.deleteProperty(globalThis, 'kept');
    return held.reduce((sum, view) => sum + (view[1] ?? 0), 0);
  },
  { maxRetries: 0 },
);

/** Has both workers, at once, forget what a task that they survived has kept. */
const forget = remote((there: Int32Array) => {
  Reflect.deleteProperty(globalThis, 'kept');
  meet(there);
});

const died: ReadonlySet<number> = new Set([0]);
const late: ReadonlySet<number> = new Set([1, 2]);
const counts = { lives: 0, ended: 0 };

/** Six lives. Nothing of it stays: an error whose stack nobody has read keeps alive what its frames hold. */
async function six(): Promise<void> {
  const batch = Array.from({ length: 6 }, (_, how) => {
    const views = Array.from({ length: 4 }, (_, i) => put(new Uint8Array(BYTES).fill(i)));
    return end
      .options(late.has(how) ? { timeoutMs: 100, name: `end ${how}` } : { name: `end ${how}` })
      .remote(how, views);
  });
  const outcomes = await Promise.allSettled(batch.map((ref) => get(ref)));
  for (const [how, outcome] of outcomes.entries()) {
    counts.lives++;
    const error: unknown = outcome.status === 'rejected' ? outcome.reason : undefined;
    // A worker that ends takes along what goes on in its background.
    if (error instanceof WorkerDiedError || error instanceof TaskTimeoutError) counts.ended++;
    else if (died.has(how) || late.has(how)) throw new Error(`end ${how}: ${String(error)}`);
    else if (outcome.status === 'fulfilled') assert.equal(outcome.value, 6);
  }
}

while (counts.lives < LIVES) await six();
const there = new Int32Array(new SharedArrayBuffer(4));
await get([forget.remote(there), forget.remote(there)]);
await collectEverywhere();
await assertQuiet();
await shutdown();
console.log(`lives=${counts.lives} ended=${counts.ended}`);
