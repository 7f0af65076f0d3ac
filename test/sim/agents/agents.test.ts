import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSeeds } from '../seeds.ts';
import { rareBugs } from './bugs.ts';
import { agentsProtocol } from './protocol.ts';

test('tasks of two drivers settle once and right, and nothing of them is left, whatever fails', () => {
  const { failed, checked, coverage } = runSeeds(agentsProtocol, 1, 8);
  assert.equal(failed?.failure, undefined);
  assert.ok(checked > 8 * 300, `${checked} tasks`);
  assert.ok(coverage.messages > 8 * 2500 && coverage.faults > 8 * 10, `${coverage.messages} ${coverage.faults}`);
});

// The rare ones are for `npm run check`, the table fault × message for `npm run sim`.
for (const bug of agentsProtocol.bugs.filter((name) => !rareBugs.some((rare) => rare === name))) {
  test(`the bug "${bug}" is found`, () => {
    assert.notEqual(runSeeds(agentsProtocol, 1, 20, bug).failed, undefined);
  });
}
