import assert from 'node:assert/strict';
import test from 'node:test';
import { get, init, ObjectStoreFullError, put, remote, shutdown } from 'mobula';
import { collectEverywhere } from '../support/garbage.ts';
import { limit } from '../support/suite.ts';

// A store that was full for a moment refused a function for good. The runtime keeps the function's code, and what it captured,
// so this test has a runtime of its own.

const MIB = 2 ** 20;

test('a function that a full store refused can be shipped when there is room', limit, async () => {
  await init({ numCpus: 2, objectStoreMemory: '16MiB' });
  const table = new Uint8Array(4 * MIB).fill(7);
  const sum = remote((i: number) => table[i], { name: 'sum' });
  const views = await Promise.all(Array.from({ length: 4 }, () => get(put(new Uint8Array(3.9 * MIB)))));
  assert.throws(() => sum.remote(1), ObjectStoreFullError);
  assert.equal(views.length, 4);
  views.length = 0;
  await collectEverywhere();
  assert.equal(await get(sum.remote(1)), 7);
  await shutdown();
});
