import assert from 'node:assert/strict';
import test from 'node:test';
import { SlowWaits } from '../../../src/boot/slow-waits.ts';
import type { Logger } from '../../../src/common/init-options.ts';
import { describeWait, type ReasonNames } from '../../../src/core/wait/reasons.ts';
import type { WaitReason } from '../../../src/native/addon.ts';

const names: ReasonNames = {
  resourceName: (index) => ['CPU', 'GPU'][index] as string,
};

const reason = (name: string, cause: number, rest: Partial<WaitReason> = {}): WaitReason => ({
  name,
  cause,
  count: 1,
  lacking: [],
  holders: [],
  ...rest,
});

const actors = (count: number) => ({ name: 'Model', actors: true, count });
const starving = reason('', 2, { count: 8, lacking: [0, 10_000, 0], holders: [actors(1)] });

const heard = (said: string[]): Logger => ({
  debug: () => assert.fail(),
  info: () => assert.fail(),
  warn: (_fields, message) => void said.push(message),
  error: () => assert.fail(),
});

test('a warning names what waits, what for, and what holds it', () => {
  const said: string[] = [];
  new SlowWaits(() => [starving], names, heard(said)).tell();
  assert.equal(said.length, 1);
  assert.equal(
    said[0],
    "For more than 5 s: 8 tasks wait for 1 CPU (free: 0), held by 1 actor 'Model'. " +
      'Let go of actors that are not used (kill them, or drop their handles), ask for less, or start mobula with more.',
  );
});

// Where tasks held everything, the advice was about actors.
test('the advice is about what holds', () => {
  const said: string[] = [];
  const byTask = reason('train', 2, {
    lacking: [0, 10_000, 0],
    holders: [{ name: 'load', actors: false, count: 2 }],
  });
  const byNothing = reason('load', 2, { lacking: [1, 20_000, 10_000] });
  new SlowWaits(() => [byTask, byNothing], names, heard(said)).tell();
  assert.match(
    said[0] as string,
    /held by 2 tasks 'load'\. Cancel tasks with force: one that is only cancelled keeps what it holds until it ends, ask for less, or start/,
  );
  assert.match(said[1] as string, /\(free: 1\)\. Ask for less, or start mobula with more\.$/);
});

test('each cause is told once, whatever its numbers, and not more than twenty of them', () => {
  const said: string[] = [];
  let reasons: WaitReason[] = [starving];
  const waits = new SlowWaits(() => reasons, names, heard(said));
  waits.tell();
  reasons = [{ ...starving, count: 9, holders: [actors(2)] }, reason('train', 2, { lacking: [1, 20_000, 10_000] })];
  waits.tell();
  assert.equal(said.length, 2);
  assert.match(said[1] as string, /'train' waits for 2 GPU \(free: 1\)\./);
  reasons = Array.from({ length: 100 }, (_, i) => reason(`task ${i}`, 2, { lacking: [0, 10_000, 0] }));
  waits.tell();
  assert.equal(said.length, 20);
});

test('a chain of reasons is one sentence, from what is missing to its root', () => {
  const chain = [
    reason('train', 1),
    reason('load', 2, { lacking: [0, 10_000, 0], holders: [actors(2), { name: 'train', actors: false, count: 1 }] }),
  ];
  assert.equal(
    describeWait(chain, names),
    "'train' waits for an argument, which 'load' makes; 'load' waits for 1 CPU (free: 0), held by 2 actors 'Model', 1 task 'train'.",
  );
  assert.equal(describeWait([], names), undefined);
});
