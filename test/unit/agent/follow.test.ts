import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { attemptKey } from '../../../src/agent/begun.ts';
import type { SubmitterEffect } from '../../../src/agent/submitter/state.ts';
import { ask, bench, kinds } from './submitter-bench.ts';

describe('tasks that follow those that make their arguments', () => {
  it('go where these are, though no window has room, and take no room', () => {
    const { task, follower, answer, state, open } = bench();
    open(2, ['a', 1]);
    task(0);
    assert.deepEqual(follower(5, [0]), [{ kind: 'send', node: 'a' }]);
    assert.deepEqual(follower(6, [5]), [{ kind: 'send', node: 'a' }], 'behind one that follows');
    assert.equal(state.followers, 2);
    assert.deepEqual(kinds([...answer('a', 0), ...answer('a', 5), ...answer('a', 6)]), ['end', 'end', 'end']);
    assert.equal(state.followers, 0);
    assert.deepEqual(kinds(task(1)), ['send'], 'the window has room again');
  });

  it('stay, if their makers are at two nodes, or gone, or ask for something else, or another node is named', () => {
    const { task, follower, open } = bench();
    open(2, ['a', 1], ['b', 1]);
    task(0);
    task(1);
    const back = [{ kind: 'give-back', index: 5 }];
    assert.deepEqual(follower(5, [0, 1]), back);
    assert.deepEqual(follower(5, [7]), back);
    const other = (change: object): string => JSON.stringify({ ...JSON.parse(ask('g')), ...change });
    assert.deepEqual(follower(5, [0], other({ demand: { CPU: 20_000 } })), back);
    assert.deepEqual(follower(5, [0], other({ demand: { CPU: 10_000, GPU: 1 } })), back);
    assert.deepEqual(follower(5, [0], other({ strategy: 'spread' })), back);
    assert.deepEqual(kinds(follower(5, [0], other({}))), ['send'], 'another function is no other ask');
  });

  it('are lost with their node, behind their makers', () => {
    const { task, follower, give, state, open } = bench();
    open(1, ['a', 1]);
    task(0);
    follower(5, [0]);
    const lost = give({ kind: 'dead', node: 'a', begun: undefined }).map((effect) =>
      effect.kind === 'lost' ? effect.index : -1,
    );
    assert.deepEqual([lost, state.followers], [[0, 5], 0]);
  });

  it('go back when their makers are lost, if they had not begun', () => {
    const { task, follower, give, state, open } = bench();
    open(1, ['a', 1]);
    task(0);
    follower(5, [0]);
    const begun = new Set([attemptKey({ index: 0, generation: 0, attempt: 1 })]);
    assert.deepEqual(kinds(give({ kind: 'dead', node: 'a', begun })), ['lost', 'give-back']);
    assert.equal(state.followers, 0);
  });

  it('are as many as may be out, and more once half of them have come back', () => {
    const { line, settle, grant, task, follower, answer } = bench();
    const room = (effects: readonly SubmitterEffect[]): number[] =>
      effects.flatMap((effect) => (effect.kind === 'open' && effect.line === 0 ? [effect.window] : []));
    line(1, 1);
    const [most = 0] = room(settle());
    grant(1, 'a', 1);
    settle();
    task(0);
    for (let i = 0; i < most; i++) follower(i + 1, [i]);
    assert.deepEqual(room(settle()), []);
    for (let i = 0; i < 10; i++) answer('a', i);
    assert.deepEqual(room(settle()), [9], 'the first of them was no follower');
    assert.deepEqual(room(settle()), []);
  });
});
