import assert from 'node:assert/strict';
import test from 'node:test';
import { get, put, remote } from 'mobula';
import { limit, suite } from '../support/suite.ts';

suite();

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
