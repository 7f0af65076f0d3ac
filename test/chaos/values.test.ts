import assert from 'node:assert/strict';
import test from 'node:test';
import { get, type ObjectRef, ObjectStoreFullError, remote } from 'mobula';
import { limit, suite } from '../support/suite.ts';

suite();

const next = remote((n: number) => n + 1);

test('a chain of 10 000 tasks gives its value, and a failed one its first error', limit, async () => {
  let ref: ObjectRef<number> = next.remote(0);
  for (let i = 1; i < 10_000; i++) ref = next.remote(ref);
  assert.equal(await get(ref), 10_000);
  const first = remote((): number => {
    throw new Error('the first of them');
  });
  ref = first.remote();
  for (let i = 0; i < 10_000; i++) ref = next.remote(ref);
  await assert.rejects(get(ref), /the first of them/);
});

test('an argument of 1 GiB that does not fit is refused at the call', limit, () => {
  const length = remote((bytes: Uint8Array) => bytes.length);
  assert.throws(() => length.remote(new Uint8Array(2 ** 30)), ObjectStoreFullError);
});

test('an argument as large as the store arrives', limit, async () => {
  const last = remote((bytes: Uint8Array) => bytes[bytes.length - 1]);
  const bytes = new Uint8Array(200 * 2 ** 20);
  bytes[bytes.length - 1] = 7;
  assert.equal(await get(last.remote(bytes)), 7);
});
