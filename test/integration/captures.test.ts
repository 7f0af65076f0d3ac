// What a remote function captures, through the public API: later changes are told where that was asked for, and a signal is not lost.
import assert from 'node:assert/strict';
import test from 'node:test';
import { isMainThread, threadId } from 'node:worker_threads';
import { CaptureError, get, put, remote, SerializationError } from 'mobula';
import { limit, suite } from '../support/suite.ts';

suite({ numCpus: 1, checkCaptures: true }, 'any');

const isCapture = (variable: string) => (error: unknown) =>
  error instanceof CaptureError && error.variable === variable;

test(
  'with checkCaptures, a call after captured data has changed is refused by name, until it is as it was',
  limit,
  async () => {
    const table = { rate: 1, list: new Float64Array(2) };
    const look = remote(() => table.rate + Number(table.list[0]));
    assert.deepEqual(await get([look.remote(), look.remote()]), [1, 1]);
    table.list[0] = 5;
    assert.throws(() => look.remote(), isCapture('table'));
    assert.throws(() => look.options({ numCpus: 0.5 }).remote(), isCapture('table'));
    table.list[0] = 0;
    assert.equal(await get(look.remote()), 1);
  },
);

test('its advice works: an argument, or a ref', limit, async () => {
  const table = { rate: 1 };
  const look = remote((given: { rate: number }) => given.rate);
  assert.equal(await get(look.remote(table)), 1);
  table.rate = 2;
  assert.equal(await get(look.remote(table)), 2);
  assert.equal(await get(look.remote(put(table))), 2);
});

test('functions, properties of functions and static fields that were changed are found, too', limit, async () => {
  const tools = { rate: (): number => 1 };
  const use = remote(() => tools.rate());
  assert.equal(await get(use.remote()), 1);
  tools.rate = () => 2;
  assert.throws(() => use.remote(), isCapture('tools.rate'));

  class Service {
    static level = 1;
    read(): number {
      return Service.level;
    }
  }
  const Actor = remote(Service);
  assert.equal(await get(Actor.remote().read.remote()), 1);
  Service.level = 2;
  assert.throws(() => Actor.remote(), isCapture('Service.level'));
});

test('a captured remote function, ref and what a task made itself are not taken for changed', limit, async () => {
  const ref = put(20);
  const inner = remote((x: number) => x + 1);
  const outer = remote(async () => (await get(inner.remote(1))) + (await get(ref)));
  assert.deepEqual([await get(outer.remote()), await get(outer.remote())], [22, 22]);
  const made = remote(async () => {
    const own = { n: 1 };
    const read = remote(() => own.n);
    const first = await get(read.remote());
    own.n = 2;
    try {
      read.remote();
      return [first, 'not refused'];
    } catch (error) {
      return [first, (error as Error).name];
    }
  });
  assert.deepEqual(await get(made.remote()), [1, 'CaptureError']);
});

// A remote function that another thread got had lost its signal: aborting it did nothing there.
test('a remote function with a signal is refused in another thread, and its advice works', limit, async () => {
  const { signal } = new AbortController();
  const add = remote((x: number) => x + 1, { signal });
  const use = remote(async () => get(add.remote(1)));
  assert.throws(() => use.remote(), isCapture('add'));
  const call = remote(async (f: typeof add) => get(f.remote(1)));
  assert.throws(
    () => call.remote(add),
    (error) => error instanceof SerializationError && error.path === 'args[0]' && /signal/.test(error.message),
  );
  const plain = remote((x: number) => x + 1);
  assert.equal(await get(plain.options({ signal }).remote(1)), 2);
  assert.equal(await get(call.remote(plain)), 2);
});

test("data that Node's own modules export is the worker's own: a thread has its own number", limit, async () => {
  const where = remote(() => [isMainThread, threadId]);
  const [isMain, id] = (await get(where.remote())) as [boolean, number];
  assert.equal(isMain, false);
  assert.notEqual(id, threadId);
});
