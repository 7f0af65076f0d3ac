import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import { get, ObjectStoreFullError, put, remote } from 'mobula';
import { limit, suite } from '../support/suite.ts';

suite();

/** A buffer of this many bytes lies in the store. */
const OUT_OF_BAND_BYTES = 64 * 1024;
/** Numbers in a page. */
const PAGE = 512;
/** Views of 4 MiB: enough for the threads to collect them several times, as mappings are missed. */
const VIEWS = 1500;

type Kept = { view: Float64Array; written: number }[];

/** What the tasks of a worker keep: each function has a copy of its own of what it captures. */
function keeper(): Kept {
  const found = Reflect.get(globalThis, 'kept') as Kept | undefined;
  if (found !== undefined) return found;
  const made: Kept = [];
  Reflect.set(globalThis, 'kept', made);
  return made;
}

/** How many pages do not begin with the number that was put there, but for the one at `except`. */
function wrong(array: Float64Array, except: number): number {
  let count = 0;
  for (let at = 0; at < array.length; at += 512) if (array[at] !== at && at !== except) count++;
  return count;
}

/** Looks at a view, and at one of those that earlier tasks kept; writes into some, and keeps some. */
const look = remote((view: Float64Array, round: number, page: number): number => {
  const kept = keeper();
  let found = wrong(view, -1);
  const written = round % 3 === 0 ? ((round * 7919) % (view.length / page)) * page : -1;
  if (written >= 0) view[written] = -round;
  if (round % 5 === 0) kept.push({ view, written });
  const oldest = kept.length > 8 ? kept.shift() : undefined;
  if (oldest !== undefined) found += wrong(oldest.view, oldest.written);
  return found;
});

/** One in each worker: the first spins until the second has begun. */
const forget = remote((begun: Int32Array): void => {
  Reflect.deleteProperty(globalThis, 'kept');
  Atomics.add(begun, 0, 1);
  while (Atomics.load(begun, 0) < 2);
});

// The mapping of a view that was collected is given to the next view of the same object, unless something was written into it.
test('a view shows what was put, however many before it were kept, written into or dropped', limit, async () => {
  const ref = put(new Float64Array((4 * 2 ** 20) / 8).map((_, index) => index));
  for (let round = 0; round < VIEWS; round += 2) {
    const found = await get([look.remote(ref, round, PAGE), look.remote(ref, round + 1, PAGE)]);
    assert.deepEqual(found, [0, 0], `round ${round}`);
  }
  assert.ok((await get(ref)).every((number, index) => number === index));
  const begun = new Int32Array(new SharedArrayBuffer(4));
  await get([forget.remote(begun), forget.remote(begun)]);
});

const most = Number(readFileSync('/proc/sys/vm/max_map_count', 'utf8'));

// V8 ends the process when the system gives it no mapping: views leave it a quarter.
test('a view too many is refused by name, and Node still gets what it needs', {
  ...limit,
  skip: most > 100_000 && 'the system allows more mappings than a test can use up',
}, async () => {
  const ref = put(new Uint8Array(OUT_OF_BAND_BYTES).fill(1));
  const views: Uint8Array[] = [];
  await assert.rejects(
    async () => {
      while (views.length < most) views.push(...(await get(new Array<typeof ref>(1000).fill(ref))));
    },
    (error) => error instanceof ObjectStoreFullError && error.message.includes('vm.max_map_count'),
  );
  assert.ok(views.length > most / 2 && views.length < most * 0.75, `${views.length} of ${most}`);
  const worker = new Worker('0', { eval: true });
  assert.equal(await new Promise((resolve) => worker.once('exit', resolve)), 0);
  assert.ok(views.every((view) => view[0] === 1));
  views.length = 0;
  assert.equal((await get(ref))[OUT_OF_BAND_BYTES - 1], 1);
});
