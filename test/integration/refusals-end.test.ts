import assert from 'node:assert/strict';
import test from 'node:test';
import { CaptureError, get, remote, UnschedulableError } from 'mobula';
import { limit, suite } from '../support/suite.ts';

// What kept a function from being shipped once was remembered for good.
suite({ numCpus: 2 });

test('a function that could not be captured can be when the cause is gone', limit, async () => {
  const config: { hook: unknown } = { hook: Symbol('nobody has this') };
  const read = remote(() => typeof config.hook, { name: 'read' });
  for (let i = 0; i < 2; i++) assert.throws(() => read.remote(), CaptureError);
  config.hook = 'text';
  assert.equal(await get(read.remote()), 'string');
});

test('nothing of a refused registration stays: functions that lead to one another', limit, async () => {
  const config: { hook: unknown } = { hook: Symbol('nobody has this') };
  const even = remote((n: number): unknown => (n === 0 ? 'even' : get(odd.remote(n - 1))), { name: 'even' });
  const odd = remote((n: number): unknown => (n === 0 ? config.hook : get(even.remote(n - 1))), { name: 'odd' });
  assert.throws(() => even.remote(3), CaptureError);
  assert.throws(() => odd.remote(3), CaptureError);
  config.hook = 'odd';
  assert.equal(await get(even.remote(3)), 'odd');
  assert.equal(await get(odd.remote(3)), 'even');
});

test('an option set that no node has leaves the others alone', limit, async () => {
  const f = remote((x: number) => x, { name: 'f' });
  assert.throws(() => f.options({ numCpus: 1000 }).remote(1), UnschedulableError);
  assert.equal(await get(f.remote(1)), 1);
  assert.throws(() => f.options({ numCpus: 1000 }).remote(1), UnschedulableError);
});
