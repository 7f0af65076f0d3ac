import assert from 'node:assert/strict';
import test from 'node:test';
import { cancel, context, get, remote, TaskCancelledError, TaskTimeoutError } from 'mobula';
import { limit, suite } from '../support/suite.ts';
import { until } from '../support/until.ts';

suite();

const marks = (): Int32Array => new Int32Array(new SharedArrayBuffer(16));

/** Says that it runs, then blocks its thread until it is told to stop. */
const block = remote((shared: Int32Array) => {
  Atomics.add(shared, 0, 1);
  while (Atomics.load(shared, 1) === 0) Atomics.wait(shared, 1, 0, 100);
  return 'done';
});

const hang = remote(async (shared: Int32Array) => {
  Atomics.add(shared, 0, 1);
  await new Promise(() => undefined);
});

const obey = remote(async (shared: Int32Array) => {
  const { signal } = context();
  Atomics.add(shared, 0, 1);
  await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()));
  Atomics.store(shared, 2, 1);
  throw new Error('was told to stop');
});

const started = (shared: Int32Array, count = 1): Promise<void> =>
  until(
    () => Atomics.load(shared, 0) >= count,
    () => 'it did not start',
  );
const release = (shared: Int32Array): void => {
  Atomics.store(shared, 1, 1);
  Atomics.notify(shared, 1);
};

test('a queued task that is cancelled never runs', limit, async () => {
  const shared = marks();
  const blockers = [block.remote(shared), block.remote(shared)];
  await started(shared, 2);
  const ran = marks();
  const queued = remote((mine: Int32Array) => Atomics.add(mine, 0, 1)).remote(ran);
  await cancel(queued);
  await assert.rejects(get(queued), TaskCancelledError);
  release(shared);
  assert.deepEqual(await get(blockers), ['done', 'done']);
  assert.equal(ran[0], 0);
});

test('a task that waits for its arguments can be cancelled', limit, async () => {
  const shared = marks();
  const first = block.remote(shared);
  const second = remote((text: string) => text).remote(first);
  await cancel(second);
  await assert.rejects(get(second), TaskCancelledError);
  release(shared);
  assert.equal(await get(first), 'done');
});

test('a running async task that is cancelled is told, and its ref rejects at once', limit, async () => {
  const shared = marks();
  const ref = obey.remote(shared);
  await started(shared);
  await cancel(ref);
  await assert.rejects(get(ref), (error) => {
    assert.ok(error instanceof TaskCancelledError);
    assert.equal(error.code, 'ERR_MOBULA_TASK_CANCELLED');
    return true;
  });
  await until(
    () => Atomics.load(shared, 2) === 1,
    () => 'it was not told',
  );
});

test('a running sync task that is cancelled ends in its own time, and its ref rejects', limit, async () => {
  const shared = marks();
  const ref = block.remote(shared);
  await started(shared);
  await cancel(ref);
  await assert.rejects(get(ref), TaskCancelledError);
  release(shared);
});

test('force stops a task that never ends', limit, async () => {
  const shared = marks();
  const ref = block.remote(shared);
  await started(shared);
  await cancel(ref, { force: true });
  await assert.rejects(get(ref), TaskCancelledError);
});

test('force stops an async task that hangs', limit, async () => {
  const shared = marks();
  const ref = hang.remote(shared);
  await started(shared);
  await cancel(ref, { force: true });
  await assert.rejects(get(ref), TaskCancelledError);
});

test('force does not lose the tasks that shared the thread', limit, async () => {
  const shared = marks();
  const ref = block.remote(shared);
  const others = Array.from({ length: 200 }, (_, i) => remote((n: number) => n).remote(i));
  await started(shared);
  await cancel(ref, { force: true });
  assert.deepEqual(
    await get(others),
    Array.from({ length: 200 }, (_, i) => i),
  );
});

const parent = remote(async (shared: Int32Array) => {
  const child = hang.remote(shared);
  await get(child);
});

test('cancel is recursive', limit, async () => {
  const shared = marks();
  const seen = marks();
  const outer = remote(async (mine: Int32Array) => {
    await get(obey.remote(mine));
  });
  const ref = outer.remote(seen);
  await started(seen);
  await cancel(ref);
  await assert.rejects(get(ref), TaskCancelledError);
  await until(
    () => Atomics.load(seen, 2) === 1,
    () => 'the child was not told',
  );
  const forced = parent.remote(shared);
  await started(shared);
  await cancel(forced, { force: true });
  await assert.rejects(get(forced), TaskCancelledError);
});

test('recursive: false leaves the children alone', limit, async () => {
  const shared = marks();
  const outer = remote(async (mine: Int32Array) => {
    const child = remote(async (theirs: Int32Array) => {
      Atomics.store(theirs, 0, 1);
      while (Atomics.load(theirs, 1) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      Atomics.store(theirs, 2, context().signal?.aborted === true ? 2 : 1);
    }).remote(mine);
    await get(child);
  });
  const ref = outer.remote(shared);
  await started(shared);
  await cancel(ref, { recursive: false });
  await assert.rejects(get(ref), TaskCancelledError);
  release(shared);
  await until(
    () => Atomics.load(shared, 2) !== 0,
    () => 'the child did not end',
  );
  assert.equal(shared[2], 1);
});

test('cancelling what has ended changes nothing', limit, async () => {
  const ref = remote(() => 'value').remote();
  assert.equal(await get(ref), 'value');
  await cancel(ref);
  await cancel(ref, { force: true });
  assert.equal(await get(ref), 'value');
});

test('what depends on a cancelled task rejects too', limit, async () => {
  const shared = marks();
  const ref = hang.remote(shared);
  const dependent = remote((value: unknown) => value).remote(ref);
  await started(shared);
  await cancel(ref, { force: true });
  await assert.rejects(get(dependent), TaskCancelledError);
});

test('an AbortSignal cancels all tasks it was given to', limit, async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const shared = marks();
  const refs = [obey.options({ signal }).remote(shared), obey.options({ signal }).remote(shared)];
  await started(shared, 2);
  const queued = Array.from({ length: 50 }, () => remote(() => 1, { signal, numCpus: 2 }).remote());
  controller.abort();
  for (const ref of [...refs, ...queued]) await assert.rejects(get(ref as (typeof refs)[0]), TaskCancelledError);
});

test('a signal that is aborted already cancels at once', limit, async () => {
  const ran = marks();
  const ref = remote((mine: Int32Array) => Atomics.add(mine, 0, 1), { signal: AbortSignal.abort() }).remote(ran);
  await assert.rejects(get(ref), TaskCancelledError);
});

test('timeoutMs stops a loop without end', limit, async () => {
  const shared = marks();
  await assert.rejects(get(block.options({ timeoutMs: 50, name: 'endless' }).remote(shared)), (error) => {
    assert.ok(error instanceof TaskTimeoutError);
    assert.equal(error.code, 'ERR_MOBULA_TASK_TIMEOUT');
    assert.equal(error.taskName, 'endless');
    assert.match(error.message, /timeoutMs of 50/);
    return true;
  });
  assert.equal(await get(remote(() => 'next').remote()), 'next');
});

test('timeoutMs ends an async task that hangs', limit, async () => {
  const shared = marks();
  await assert.rejects(get(hang.options({ timeoutMs: 50 }).remote(shared)), TaskTimeoutError);
  await assert.rejects(get(obey.options({ timeoutMs: 50 }).remote(shared)), TaskTimeoutError);
});

test('timeoutMs does not count the time in the queue, and leaves quick tasks alone', limit, async () => {
  const quick = remote((n: number) => n, { timeoutMs: 2000 });
  assert.deepEqual(
    await get(Array.from({ length: 1000 }, (_, i) => quick.remote(i))),
    Array.from({ length: 1000 }, (_, i) => i),
  );
});

test('many tasks that time out at once', limit, async () => {
  const shared = marks();
  const refs = Array.from({ length: 10 }, () => block.options({ timeoutMs: 20 }).remote(shared));
  for (const ref of refs) await assert.rejects(get(ref), TaskTimeoutError);
});
