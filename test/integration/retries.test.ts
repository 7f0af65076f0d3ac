import assert from 'node:assert/strict';
import test from 'node:test';
import { context, get, remote, TaskError, WorkerDiedError } from 'mobula';
import { limit, suite } from '../support/suite.ts';

suite();

const counter = (): Int32Array => new Int32Array(new SharedArrayBuffer(16));

const failUntil = remote((attempts: Int32Array, good: number) => {
  const attempt = Atomics.add(attempts, 0, 1) + 1;
  if (attempt < good) throw new RangeError(`attempt ${attempt}`);
  return [attempt, context().attempt];
});

const dieUntil = remote((attempts: Int32Array, good: number) => {
  const attempt = Atomics.add(attempts, 0, 1) + 1;
  if (attempt < good) process.exit(3);
  return [attempt, context().attempt];
});

test('an exception is not retried unless asked', limit, async () => {
  const attempts = counter();
  await assert.rejects(get(failUntil.remote(attempts, 2)), /attempt 1/);
  assert.equal(attempts[0], 1);
});

test('retryExceptions: true retries maxRetries times', limit, async () => {
  assert.deepEqual(await get(failUntil.options({ retryExceptions: true }).remote(counter(), 4)), [4, 4]);
  const attempts = counter();
  const once = failUntil.options({ retryExceptions: true, maxRetries: 1 });
  await assert.rejects(get(once.remote(attempts, 9)), (error) => error instanceof TaskError && error.attempt === 2);
  assert.equal(attempts[0], 2);
});

test('retryExceptions: classes retries those, and classes below them', limit, async () => {
  const errors = failUntil.options({ retryExceptions: [RangeError] });
  assert.deepEqual(await get(errors.remote(counter(), 3)), [3, 3]);
  const above = failUntil.options({ retryExceptions: [Error as ErrorConstructor] });
  assert.deepEqual(await get(above.remote(counter(), 3)), [3, 3]);
  const attempts = counter();
  await assert.rejects(get(failUntil.options({ retryExceptions: [TypeError] }).remote(attempts, 3)), RangeError);
  assert.equal(attempts[0], 1);
});

test('maxRetries: -1 retries without end', limit, async () => {
  const endless = failUntil.options({ retryExceptions: true, maxRetries: -1 });
  assert.deepEqual(await get(endless.remote(counter(), 60)), [60, 60]);
});

test('async exceptions are retried', limit, async () => {
  const failing = remote(
    async (attempts: Int32Array) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (Atomics.add(attempts, 0, 1) < 2) throw new Error('not yet');
      return Atomics.load(attempts, 0);
    },
    { retryExceptions: true },
  );
  assert.equal(await get(failing.remote(counter())), 3);
});

test('every attempt has the same taskId', limit, async () => {
  const seen = remote(
    (attempts: Int32Array, before: string[]) => {
      const { taskId } = context();
      if (Atomics.add(attempts, 0, 1) < 2) throw Object.assign(new Error(String(taskId)), { taskId });
      return [taskId, before.length];
    },
    { retryExceptions: true },
  );
  const [id] = await get(seen.remote(counter(), []));
  assert.match(String(id), /^[0-9a-f]{32}$/);
});

test('a task whose worker dies runs again', limit, async () => {
  assert.deepEqual(await get(dieUntil.remote(counter(), 3)), [3, 3]);
});

test('a task whose workers die again and again rejects with WorkerDiedError', limit, async () => {
  const attempts = counter();
  await assert.rejects(get(dieUntil.options({ maxRetries: 1 }).remote(attempts, 99)), (error) => {
    assert.ok(error instanceof WorkerDiedError);
    assert.equal(error.code, 'ERR_MOBULA_WORKER_DIED');
    assert.equal(error.taskName, 'anonymous');
    assert.equal(error.attempt, 2);
    return true;
  });
  assert.equal(attempts[0], 2);
});

test('maxRetries: 0 gives up with the worker', limit, async () => {
  const attempts = counter();
  await assert.rejects(get(dieUntil.options({ maxRetries: 0 }).remote(attempts, 2)), WorkerDiedError);
  assert.equal(attempts[0], 1);
});

test('a dying worker costs its neighbours nothing', limit, async () => {
  const work = remote((n: number) => n * 2);
  const before = Array.from({ length: 500 }, (_, i) => work.remote(i));
  const dying = dieUntil.options({ maxRetries: 0 }).remote(counter(), 2);
  const after = Array.from({ length: 500 }, (_, i) => work.remote(i));
  await assert.rejects(get(dying), WorkerDiedError);
  for (const values of await get([...before, ...after]).then((all) => [all.slice(0, 500), all.slice(500)])) {
    assert.deepEqual(
      values,
      Array.from({ length: 500 }, (_, i) => i * 2),
    );
  }
});

test('tasks that kill all workers do not end the service', limit, async () => {
  const dying = Array.from({ length: 6 }, () => dieUntil.options({ maxRetries: 0 }).remote(counter(), 2));
  for (const ref of dying) await assert.rejects(get(ref), WorkerDiedError);
  assert.equal(await get(remote(() => 'alive').remote()), 'alive');
});

test('a worker that dies takes its async tasks along, which run again', limit, async () => {
  const marks = counter();
  const slow = remote(
    async (shared: Int32Array, i: number) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      Atomics.add(shared, 1, 1);
      return i;
    },
    { numCpus: 0.1 },
  );
  const refs = Array.from({ length: 8 }, (_, i) => slow.remote(marks, i));
  await assert.rejects(get(dieUntil.options({ maxRetries: 0, numCpus: 0.1 }).remote(marks, 2)), WorkerDiedError);
  assert.deepEqual(await get(refs), [0, 1, 2, 3, 4, 5, 6, 7]);
});

test('an async exit is a death as well', limit, async () => {
  const later = remote(async (shared: Int32Array) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (Atomics.add(shared, 0, 1) === 0) process.exit(0);
    return 'second';
  });
  assert.equal(await get(later.remote(counter())), 'second');
});

test('a stream whose worker dies goes on without repeating items', limit, async () => {
  const stream = remote(function* (shared: Int32Array) {
    const attempt = Atomics.add(shared, 0, 1);
    for (let i = 0; i < 10; i++) {
      if (attempt === 0 && i === 5) process.exit(1);
      yield i;
    }
  });
  const seen = [];
  for await (const ref of stream.remote(counter())) seen.push(await get(ref));
  assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
