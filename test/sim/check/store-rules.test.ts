import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Batch, sessionProblem } from './sessions.ts';
import { type Change, type Seen, subscriptionProblem } from './subscriptions.ts';

const batches = (...list: readonly (readonly [string, number])[]): Batch[] =>
  list.map(([client, batch]) => ({ client, batch }));

test('batches of a session are executed once, in order, without a gap', () => {
  assert.equal(sessionProblem(batches(['a', 1], ['b', 1], ['a', 2]), batches(['a', 1], ['a', 2])), undefined);
  assert.match(sessionProblem(batches(['a', 1], ['a', 1]), []) ?? '', /twice/);
  assert.match(sessionProblem(batches(['a', 1], ['a', 2], ['a', 1]), []) ?? '', /out of order/);
  assert.match(sessionProblem(batches(['a', 1], ['a', 3]), []) ?? '', /gap/);
  assert.match(sessionProblem(batches(['a', 2]), []) ?? '', /gap/);
});

test('a batch that was acknowledged is there', () => {
  assert.match(sessionProblem(batches(['a', 1]), batches(['a', 2])) ?? '', /batch 2 of a was acknowledged/);
  assert.match(sessionProblem([], batches(['b', 1])) ?? '', /batch 1 of b was acknowledged/);
});

const committed: readonly Change[] = [
  { seq: 1, records: [['x', '1']] },
  { seq: 2, records: [['y', '2']] },
  { seq: 3, records: [['x', '3']] },
];
const event = (seq: number, ...records: Change['records']): Seen => ({ saw: 'event', seq, records });
const snapshot = (seq: number, records: Readonly<Record<string, string>>): Seen => ({
  saw: 'snapshot',
  seq,
  records: new Map(Object.entries(records)),
});

const subscriptions: readonly { name: string; seen: readonly Seen[]; problem: RegExp | undefined }[] = [
  { name: 'nothing yet', seen: [], problem: undefined },
  { name: 'a prefix', seen: [event(1, ['x', '1']), event(2, ['y', '2'])], problem: undefined },
  {
    name: 'a snapshot, and on from there',
    seen: [snapshot(2, { x: '1', y: '2' }), event(3, ['x', '3'])],
    problem: undefined,
  },
  { name: 'a RESET over a gap', seen: [event(1, ['x', '1']), snapshot(3, { y: '2', x: '3' })], problem: undefined },
  { name: 'a gap', seen: [event(1, ['x', '1']), event(3, ['x', '3'])], problem: /gap/ },
  { name: 'an event twice', seen: [event(1, ['x', '1']), event(1, ['x', '1'])], problem: /not in order/ },
  {
    name: 'events in another order',
    seen: [snapshot(1, { x: '1' }), event(3, ['x', '3']), event(2, ['y', '2'])],
    problem: /gap/,
  },
  { name: 'an event with another value', seen: [event(1, ['x', '2'])], problem: /not what was committed/ },
  {
    name: 'an event that was taken back',
    seen: [snapshot(3, { x: '3', y: '2' }), event(4, ['x', '4'])],
    problem: /never committed/,
  },
  { name: 'a snapshot that lacks a record', seen: [snapshot(2, { x: '1' })], problem: /not the store/ },
  { name: 'a snapshot of later', seen: [snapshot(2, { x: '3', y: '2' })], problem: /not the store/ },
  {
    name: 'a snapshot of before',
    seen: [event(1, ['x', '1']), event(2, ['y', '2']), snapshot(1, { x: '1' })],
    problem: /back in time/,
  },
];

for (const { name, seen, problem } of subscriptions) {
  test(`a subscriber that saw ${name} is ${problem === undefined ? 'right' : 'told of'}`, () => {
    const found = subscriptionProblem(seen, committed);
    if (problem === undefined) assert.equal(found, undefined);
    else assert.match(found ?? '', problem);
  });
}
