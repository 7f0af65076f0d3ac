import assert from 'node:assert/strict';
import { test } from 'node:test';

interface Turns {
  ratio: number;
  low: number;
  high: number;
  pairs: number;
}
const { compareTurns, isSlower } = (await import(new URL('../../../../bench/lib/turns.mjs', import.meta.url).href)) as {
  compareTurns: (ours: number[], theirs: number[], higher: boolean) => Turns;
  isSlower: (change: Turns, itself: Turns) => boolean;
};

const noisy = (centre: number): number[] => Array.from({ length: 15 }, (_, i) => centre * (1 + ((i * 7) % 5) / 500));

test('a higher rate and a lower time are both above 1', () => {
  assert.ok(compareTurns(noisy(200), noisy(100), true).low > 1.9);
  assert.ok(compareTurns(noisy(100), noisy(200), false).low > 1.9);
});

test('a loss of a tenth counts as slower, noise around 1 does not', () => {
  const itself = compareTurns(noisy(100), noisy(100), true);
  assert.equal(isSlower(compareTurns(noisy(90), noisy(100), true), itself), true);
  assert.equal(isSlower(itself, itself), false);
});

test('a loss that the commit shows against itself is the noise of the machine', () => {
  const loss = compareTurns(noisy(90), noisy(100), true);
  assert.equal(isSlower(loss, loss), false);
});

test('the same samples give the same interval', () => {
  assert.deepEqual(compareTurns(noisy(90), noisy(100), true), compareTurns(noisy(90), noisy(100), true));
});
