import assert from 'node:assert/strict';
import test from 'node:test';
import { get, remote } from 'mobula';
import { limit, suite } from '../support/suite.ts';

const GIB = 2 ** 30;
/** The argument, the object it becomes, and as much again for what else runs. */
const NEEDED = 4 * GIB;

suite({ numCpus: 1, objectStoreMemory: '1100MiB' });

const scarce = process.availableMemory() < NEEDED;

test('an argument of 1 GiB arrives', { ...limit, skip: scarce && 'it takes 4 GiB' }, async () => {
  const ends = remote((bytes: Uint8Array) => [bytes.length, bytes[0], bytes[bytes.length - 1]]);
  const bytes = new Uint8Array(GIB);
  bytes[0] = 3;
  bytes[GIB - 1] = 7;
  assert.deepEqual(await get(ends.remote(bytes)), [GIB, 3, 7]);
});
