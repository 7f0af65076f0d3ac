import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSeed } from '../seed.ts';
import { runSeeds } from '../seeds.ts';
import { rareBugs } from './bugs.ts';
import { selfProtocol } from './protocol.ts';

test('the small protocol holds under every fault, and each fault has happened to each message', () => {
  const { failed, notChecked, checked, coverage } = runSeeds(selfProtocol, 1, 300);
  assert.equal(failed?.failure, undefined);
  assert.deepEqual(coverage.zeros(), []);
  assert.ok(checked > 800 && notChecked < 10, `${checked} ${notChecked}`);
});

// The rare ones take hundreds of seeds: `npm run check` has them, by `npm run sim -- --bugs`.
for (const bug of selfProtocol.bugs.filter((name) => !rareBugs.some((rare) => rare === name))) {
  test(`the bug "${bug}" is found`, () => {
    assert.notEqual(runSeeds(selfProtocol, 1, 100, bug).failed, undefined);
  });
}

test('a seed that failed gives the same failure and the same history again', () => {
  const { failed } = runSeeds(selfProtocol, 1, 100, 'two leases');
  assert.ok(failed !== undefined);
  const options = { bug: 'two leases', history: true };
  const [one, other] = [runSeed(selfProtocol, failed.seed, options), runSeed(selfProtocol, failed.seed, options)];
  assert.equal(one.failure, failed.failure);
  assert.equal(one.digest, failed.digest);
  assert.deepEqual(one.history, other.history);
  assert.ok(one.history.length > 500);
});
