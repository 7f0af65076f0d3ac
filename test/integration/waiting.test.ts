import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { availableResources, cancel, context, get, init, type ObjectRef, put, remote, shutdown, wait } from 'mobula';
import { limit, suite } from '../support/suite.ts';

suite();

const echo = remote((value: unknown) => value);
const length = remote((bytes: Uint8Array) => bytes.length);
const LARGE = 100_000;

test(
  'a large argument of a call that is cancelled at once lets no release come before what uses the object',
  limit,
  async () => {
    // The release was carried out before the submission that came first, and the task waited for ever.
    const aborted = new AbortController();
    aborted.abort();
    const never = length.options({ signal: aborted.signal });
    await assert.rejects(get(never.remote(new Uint8Array(1))));
    for (let round = 0; round < 10; round++) {
      const results = Array.from({ length: 40 }, (_, i) => {
        const ref = put(i);
        const result = echo.remote(ref);
        ref[Symbol.dispose]();
        if (i % 5 === 4) get(never.remote(new Uint8Array(LARGE))).catch(() => undefined);
        return result;
      });
      assert.deepEqual(
        await get(results),
        results.map((_, i) => i),
      );
    }
  },
);

test('a ref that is released while the value that holds it is stored is still in it', limit, async () => {
  // With a large buffer behind it, the release was carried out before the value was stored.
  for (const size of [10, LARGE]) {
    const ref = put('inner');
    const box = put({
      ref,
      get releases() {
        ref[Symbol.dispose]();
        return true;
      },
      bytes: new Uint8Array(size),
    });
    for (let i = 0; i < 100; i++) put(i);
    const value = await get(box);
    assert.equal(await get(value.ref), 'inner');
  }
});

test('a function that returns a promise only sometimes loses its context once in a thread', limit, async () => {
  // Each promise after a plain value was without one.
  const sometimes = remote((n: number) => (n % 2 === 0 ? n : sleep(1).then(() => context().attempt)));
  let lost = 0;
  for (let n = 0; n < 40; n++) await get(sometimes.remote(n)).catch(() => lost++);
  assert.ok(lost <= 2, `${lost} times in two threads`);
});

test('a get that outlives its task changes nothing for the task that has its place', limit, async () => {
  // The end of the wait was told of whatever task was in that place of the core, which then took a CPU a second time.
  const slow = remote((ms: number) => sleep(ms, ms), { numCpus: 0 });
  const forgets = remote(async (refs: readonly ObjectRef<number>[]) => {
    void Promise.all(refs.map((ref) => get(ref)));
    await sleep(1);
  });
  const waits = remote(async (refs: readonly ObjectRef<number>[]) => (await get([...refs])).length);
  for (let round = 0; round < 20; round++) {
    const refs = [slow.remote(10), slow.remote(20)];
    await get(forgets.remote(refs));
    assert.deepEqual(await get([waits.remote([slow.remote(30)]), waits.remote(refs)]), [1, 2]);
  }
  assert.equal(availableResources()['CPU'], 2);
});

test('a get that throws lends no CPU', limit, async () => {
  // The task counted as waiting from then on: others had its CPU while it computed.
  const task = remote(async () => {
    const released = put(1);
    released[Symbol.dispose]();
    await sleep(1);
    await assert.rejects(get([released]), { code: 'ERR_MOBULA_INVALID_ARGUMENT' });
    await sleep(50);
    return availableResources()['CPU'];
  });
  assert.equal(await get(task.remote()), 1);
});

test('a task may release a ref that it waits for', limit, async () => {
  // What the task waited for was looked up by the ref after more than a second, when it was gone.
  const slow = remote(async () => {
    await sleep(2500);
    return 'late';
  });
  const waiting = remote(async () => {
    const ref = slow.remote();
    const value = get(ref);
    ref[Symbol.dispose]();
    return await value;
  });
  assert.equal(await get(waiting.remote()), 'late');
});

test('objects that are there do not keep the event loop from its turn', limit, async () => {
  // Getting one after another went on in microtasks for ever.
  const ref = put(1);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  while (turns < 5) await get(ref);
  clearInterval(timer);
  const poll = remote(async ([nested]: [typeof ref]) => {
    while (context().signal?.aborted !== true) await get(nested);
    return 'told';
  });
  const told = remote(async (box: [typeof ref]) => {
    const task = poll.remote(box);
    await sleep(50);
    await cancel(task);
    return await get(task).catch((error: { code: string }) => error.code);
  });
  assert.equal(await get(told.remote([ref])), 'ERR_MOBULA_TASK_CANCELLED');
});

test('wait() refuses released refs, also those it knows to be there', limit, async () => {
  const ref = put(1);
  await get(ref);
  assert.deepEqual((await wait([ref])).ready, [ref]);
  ref[Symbol.dispose]();
  await assert.rejects(wait([ref]), { code: 'ERR_MOBULA_INVALID_ARGUMENT' });
});

test('what is known to be there is waited for as often as it is given', limit, async () => {
  const [one, other] = [put(1), put(2)];
  await get([one, other]);
  const { ready, pending } = await wait([one, one, other], { numReturns: 2 });
  assert.deepEqual([ready, pending], [[one, one], [other]]);
});

test('shutdown ends a get that waits for room', limit, async () => {
  // It was in nobody's books, and asked a runtime that was gone.
  await shutdown();
  await init({ numCpus: 1, objectStoreMemory: '64MiB' });
  const [kept, wanted] = [put(new Uint8Array(40 << 20)), put(new Uint8Array(40 << 20))];
  const view = await get(kept);
  const outcome = get(wanted).then(
    () => 'value',
    (error: { code: string }) => error.code,
  );
  await sleep(15);
  await shutdown();
  assert.equal(await outcome, 'ERR_MOBULA_RUNTIME_CLOSED');
  assert.equal(view.length, 40 << 20);
});
