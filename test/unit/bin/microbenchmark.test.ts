import assert from 'node:assert/strict';
import test from 'node:test';
import { UsageError } from '../../../src/bin/command.ts';
import { type Harness, timeEach, timeit } from '../../../src/bin/microbenchmark/harness.ts';
import { measure } from '../../../src/bin/microbenchmark/measure.ts';
import { sampleRate } from '../../../src/bin/microbenchmark/rates.ts';
import { toText } from '../../../src/bin/microbenchmark/report.ts';
import { select } from '../../../src/bin/microbenchmark/select.ts';
import { mean, percentile, standardDeviation } from '../../../src/bin/microbenchmark/statistics.ts';

const brief: Harness = { settleMs: 0, warmUpMs: 2, trials: 3, trialMs: 2 };
const sampling = { minSamples: 2, maxTime: 0.01 };

test('the mean and the deviation are those that numpy gives', () => {
  assert.equal(mean([2, 4, 4, 4, 5, 5, 7, 9]), 5);
  // Of these values, not estimated for more of them: divided by 8, not by 7.
  assert.equal(standardDeviation([2, 4, 4, 4, 5, 5, 7, 9]), 2);
  assert.equal(mean([]), Number.NaN);
});

test('a percentile is one of the values: the smallest that so many do not exceed', () => {
  const values = Float64Array.from({ length: 1000 }, (_, i) => i + 1);
  assert.deepEqual(
    [0, 0.5, 0.99, 0.999, 1].map((share) => percentile(values, share)),
    [1, 500, 990, 999, 1000],
  );
  assert.equal(percentile([7], 0.999), 7);
  assert.equal(percentile([], 0.5), Number.NaN);
});

test('a trial is measured as often as asked, and counts what one operation stands for', async () => {
  let done = 0;
  const operation = () => {
    done++;
    return undefined;
  };
  const single = await timeit(operation, 1, brief);
  assert.equal(single.trials.length, 3);
  assert.equal(single.mean, mean(single.trials));
  assert.equal(single.sd, standardDeviation(single.trials));
  assert.ok(done > 3);
  // One operation per trial takes longer than a trial: the rate is the multiplier over the time it took.
  const slow = () => new Promise((resolve) => setTimeout(resolve, 10));
  const [rate = 0] = (await timeit(slow, 1000, { ...brief, trials: 1 })).trials;
  assert.ok(rate > 0 && rate <= 1000 / 0.009, `${rate} per second`);
});

test('operations that return promises are awaited one by one', async () => {
  let running = 0;
  let most = 0;
  const operation = async () => {
    most = Math.max(most, ++running);
    await null;
    running--;
  };
  await timeit(operation, 1, brief);
  const { count, p50, p99, p999 } = await timeEach(operation, brief);
  assert.equal(most, 1);
  assert.ok(count > 0 && p50 <= p99 && p99 <= p999);
});

test('the benchmark package samples operations that are done at once, and those that are not', async () => {
  for (const operation of [() => undefined, async () => 1]) {
    const { trials, mean: rate, sd } = await sampleRate(operation, sampling);
    assert.ok(trials.length >= sampling.minSamples);
    assert.ok(rate > 0 && Number.isFinite(rate) && sd >= 0);
  }
});

test('an operation that fails in the benchmark package fails the measurement', async () => {
  const after = (times: number, fail: () => Promise<void> | undefined) => () => (times-- > 0 ? undefined : fail());
  await assert.rejects(
    sampleRate(
      after(1, () => {
        throw new RangeError('at once');
      }),
      sampling,
    ),
    /at once/,
  );
  let left = 3;
  const later = async () => {
    if (left-- === 0) throw new RangeError('later');
  };
  await assert.rejects(sampleRate(later, sampling), /later/);
});

test('a case that fails is a result that says why, and is undone', async () => {
  let ended = false;
  const result = await measure(
    {
      name: 'broken',
      multiplier: 1,
      unit: 'calls',
      by: 'ray',
      setUp: async () => ({
        operation: () => Promise.reject(new RangeError('no such thing')),
        end: async () => {
          ended = true;
        },
      }),
    },
    { harness: brief, sampling },
  );
  assert.deepEqual(result, { name: 'broken', by: 'ray', unit: 'calls', error: 'no such thing' });
  assert.equal(toText(result), 'broken failed: no such thing');
  assert.ok(ended);
});

test('a line reads as that of ray microbenchmark', () => {
  const rate = { mean: 1234.5678, sd: 0.999, trials: [] };
  assert.equal(
    toText({ name: '1:1 actor calls sync', by: 'ray', unit: 'calls', rate }),
    '1:1 actor calls sync per second 1234.57 +- 1',
  );
});

const named = ['single client put calls (Plasma Store)', '1:1 actor calls sync', 'n:n actor calls async'].map(
  (name) => ({ name }),
);
const chosen = (filter: string) => select(named, filter).map(({ name }) => name);

test('a filter is an expression found in the name, or the whole name', () => {
  assert.deepEqual(chosen('ACTOR'), ['1:1 actor calls sync', 'n:n actor calls async']);
  assert.deepEqual(chosen('^1:1|put'), ['single client put calls (Plasma Store)', '1:1 actor calls sync']);
  assert.deepEqual(chosen('single client put calls (Plasma Store)'), ['single client put calls (Plasma Store)']);
  assert.equal(select(named, undefined).length, 3);
});

test('a filter that is broken or matches nothing is an error of usage', () => {
  for (const [filter, says] of [
    ['(', /not a regular expression: .*Write \\\(/],
    ['', /it is empty/],
    ['no such case', /matches no case\. The cases are:\n {2}single client put calls/],
  ] as const) {
    assert.throws(
      () => chosen(filter),
      (error) => error instanceof UsageError && says.test(error.message),
    );
  }
});
