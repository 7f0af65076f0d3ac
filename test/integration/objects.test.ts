import assert from 'node:assert/strict';
import test from 'node:test';
import { allocate, asCompleted, GetTimeoutError, get, ObjectRef, put, remote, wait } from 'mobula';
import { limit, suite } from '../support/suite.ts';

suite();

const sleep = remote(
  async (ms: number) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return ms;
  },
  { numCpus: 0.1 },
);

/** A task that ends when it is told to. */
const gate = remote(
  async (shared: Int32Array) => {
    while (Atomics.load(shared, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    return 'open';
  },
  { numCpus: 0.1 },
);
const closed = (): Int32Array => new Int32Array(new SharedArrayBuffer(4));
const open = (shared: Int32Array): void => {
  Atomics.store(shared, 0, 1);
};

test('put and get', limit, async () => {
  const value = { a: [1, 'two', new Date(3)], b: new Float32Array([1, 2]) };
  const ref = put(value);
  assert.ok(ref instanceof ObjectRef);
  assert.deepEqual(await get(ref), value);
  assert.notEqual(await get(ref), value);
});

test('ids are different, and stay', limit, () => {
  const refs = Array.from({ length: 100 }, (_, i) => put(i));
  assert.equal(new Set(refs.map((ref) => ref.id)).size, 100);
  assert.match(String(refs[0]?.id), /^[0-9a-f]{32}$/);
  assert.equal(refs[0]?.id, refs[0]?.id);
  assert.equal(typeof refs[0]?.recoverable, 'boolean');
});

test('put copies at once: later changes are not seen', limit, async () => {
  const value = { list: [1], large: new Float64Array(50_000) };
  const ref = put(value);
  value.list.push(2);
  value.large[0] = 5;
  const got = await get(ref);
  assert.deepEqual(got.list, [1]);
  assert.equal(got.large[0], 0);
});

test('writes into what was got are not seen by a later get', limit, async () => {
  const ref = put(new Float64Array(100_000).fill(1));
  const mine = await get(ref);
  mine.fill(2);
  assert.equal((await get(ref))[0], 1);
  assert.equal(mine[99_999], 2);
});

test('writes into an argument are not seen by other tasks, nor by the caller', limit, async () => {
  const ref = put(new Float64Array(100_000).fill(1));
  const scribble = remote((array: Float64Array) => {
    const before = array.reduce((a, b) => a + b, 0);
    array.fill(7);
    return before;
  });
  assert.deepEqual(await get(Array.from({ length: 20 }, () => scribble.remote(ref))), Array(20).fill(100_000));
  assert.equal((await get(ref))[5], 1);
});

test('a got array can be passed on after it was written to', limit, async () => {
  const ref = put(new Uint32Array(100_000).fill(1));
  const mine = await get(ref);
  mine.fill(3);
  const sum = remote((array: Uint32Array) => array.reduce((a, b) => a + b, 0));
  assert.deepEqual(await get([sum.remote(mine), sum.remote(ref)]), [300_000, 100_000]);
});

test('a task that kept an argument does not see what later tasks write into theirs', limit, async () => {
  const ref = put(new Float64Array(100_000).fill(1));
  const keep = remote((array: Float64Array) => Reflect.set(globalThis, 'kept', array));
  const write = remote((array: Float64Array) => void array.fill(2));
  const look = remote(() => (Reflect.get(globalThis, 'kept') as Float64Array | undefined)?.[0] ?? 1);
  for (let i = 0; i < 20; i++) await get(keep.remote(ref));
  for (let i = 0; i < 20; i++) await get(write.remote(ref));
  const seen = [];
  for (let i = 0; i < 20; i++) seen.push(await get(look.remote()));
  // One task in each worker: the first spins until the second has begun.
  const forget = remote((begun: Int32Array) => {
    Reflect.deleteProperty(globalThis, 'kept');
    Atomics.add(begun, 0, 1);
    while (Atomics.load(begun, 0) < 2);
  });
  const begun = new Int32Array(new SharedArrayBuffer(4));
  await get([forget.remote(begun), forget.remote(begun)]);
  assert.deepEqual(seen, Array(20).fill(1));
});

test('large arrays are aligned', limit, async () => {
  const where = remote((array: Float64Array) => array.byteOffset % 64);
  const ref = put(new Float64Array(100_000));
  assert.equal((await get(ref)).byteOffset % 64, 0);
  assert.equal(await get(where.remote(ref)), 0);
});

test('allocate: put seals it, and empties the view of the writer', limit, async () => {
  const pixels = allocate(Float32Array, 100_000);
  assert.equal(pixels.length, 100_000);
  assert.equal(pixels[99_999], 0);
  pixels.fill(2.5);
  const ref = put(pixels);
  assert.equal(pixels.length, 0);
  const got = await get(ref);
  assert.equal(got.length, 100_000);
  assert.equal(got[50_000], 2.5);
});

test('allocate makes Buffers, and no deprecated constructor is used', limit, async () => {
  const warnings: Error[] = [];
  const listen = (warning: Error): void => void warnings.push(warning);
  process.on('warning', listen);
  const bytes = Reflect.apply(allocate, undefined, [Buffer, 100_000]) as Buffer;
  assert.ok(Buffer.isBuffer(bytes));
  bytes.fill(7);
  const got = await get(put(bytes));
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', listen);
  assert.equal(bytes.length, 0);
  assert.deepEqual([got.length, got[99_999]], [100_000, 7]);
  assert.deepEqual(warnings, []);
});

test('allocate in a task: the result is sealed', limit, async () => {
  const render = remote((n: number) => {
    const pixels = allocate(Uint8Array, n);
    pixels.fill(9);
    return { pixels, n };
  });
  const { pixels } = await get(render.remote(1_000_000));
  assert.equal(pixels.length, 1_000_000);
  assert.ok(pixels.every((pixel) => pixel === 9));
});

test('allocate of nothing, and of little', limit, async () => {
  for (const length of [0, 1, 100]) {
    const array = allocate(Float64Array, length);
    array.fill(length);
    assert.deepEqual(await get(put(array)), new Float64Array(length).fill(length));
  }
});

test('an allocated array that is dropped costs nothing', limit, () => {
  for (let i = 0; i < 100; i++) allocate(Float64Array, 100_000);
});

test('get of many keeps the order, and of none is empty', limit, async () => {
  assert.deepEqual(await get([]), []);
  assert.deepEqual(await get([sleep.remote(20), put('x'), sleep.remote(1)]), [20, 'x', 1]);
  const ref = put(4);
  assert.deepEqual(await get([ref, ref]), [4, 4]);
});

test('10 000 objects in one get', limit, async () => {
  const values = await get(Array.from({ length: 10_000 }, (_, i) => put({ i })));
  assert.ok(values.every(({ i }, at) => i === at));
});

test('get rejects with the first error', limit, async () => {
  const fail = remote(() => {
    throw new Error('no');
  });
  await assert.rejects(get([put(1), fail.remote(), put(2)]), /no/);
});

test('get gives up after timeoutMs, and the ref is untouched', limit, async () => {
  const shared = closed();
  const ref = gate.remote(shared);
  for (let i = 0; i < 3; i++) {
    await assert.rejects(get(ref, { timeoutMs: 10 }), (error) => error instanceof GetTimeoutError);
  }
  await assert.rejects(get([put(1), ref], { timeoutMs: 0 }), GetTimeoutError);
  open(shared);
  assert.equal(await get(ref, { timeoutMs: 20_000 }), 'open');
});

test('get of what is there does not time out', limit, async () => {
  const refs = Array.from({ length: 100 }, (_, i) => put(i));
  assert.equal((await get(refs, { timeoutMs: 10_000 })).length, 100);
});

test('get gives up when its signal aborts', limit, async () => {
  const shared = closed();
  const ref = gate.remote(shared);
  const reason = new Error('enough');
  const controller = new AbortController();
  const waiting = get(ref, { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(waiting, reason);
  await assert.rejects(get(ref, { signal: AbortSignal.abort(reason) }), reason);
  open(shared);
  assert.equal(await get(ref), 'open');
});

test('wait tells what is there, both in the order given', limit, async () => {
  const shared = closed();
  const [slow, a, b] = [gate.remote(shared), put('a'), put('b')];
  const { ready, pending } = await wait([slow, a, b], { numReturns: 2 });
  assert.deepEqual(ready, [a, b]);
  assert.deepEqual(pending, [slow]);
  const late = await wait([slow, b], { numReturns: 2, timeoutMs: 5 });
  assert.deepEqual(late, { ready: [b], pending: [slow] });
  open(shared);
  assert.deepEqual(await wait([slow]), { ready: [slow], pending: [] });
  assert.deepEqual(await wait([]), { ready: [], pending: [] });
  assert.deepEqual(await wait([a], { numReturns: 0 }), { ready: [], pending: [a] });
});

test('wait counts an error as there', limit, async () => {
  const failing = remote((): number => {
    throw new Error('no');
  }).remote();
  const { ready } = await wait([failing]);
  assert.deepEqual(ready, [failing]);
});

test('asCompleted gives refs as they come', limit, async () => {
  const shared = closed();
  const slow = gate.remote(shared);
  const quick = put('quick');
  const seen: string[] = [];
  for await (const ref of asCompleted([slow, quick])) {
    seen.push(await get(ref));
    open(shared);
  }
  assert.deepEqual(seen, ['quick', 'open']);
});

test('asCompleted of 1000 tasks, and of none', limit, async () => {
  let sum = 0;
  const inc = remote((n: number) => n + 1);
  for await (const ref of asCompleted(Array.from({ length: 1000 }, (_, i) => inc.remote(i)))) sum += await get(ref);
  assert.equal(sum, 500_500);
  for await (const _ of asCompleted([])) assert.fail('there is nothing');
});

test('leaving asCompleted early leaves nothing behind', limit, async () => {
  const shared = closed();
  const slow = gate.remote(shared);
  for await (const _ of asCompleted([slow, put(1)] as ObjectRef<unknown>[])) break;
  open(shared);
  assert.equal(await get(slow), 'open');
});

test('a ref that is disposed of while somebody waits is still delivered', limit, async () => {
  const shared = closed();
  const ref = gate.remote(shared);
  const waiting = get(ref);
  ref[Symbol.dispose]();
  open(shared);
  assert.equal(await waiting, 'open');
});

test('a ref that is disposed of right after it was passed on', limit, async () => {
  const echo = remote((value: unknown) => value);
  const ref = put('kept');
  const result = echo.remote(ref);
  const nested = echo.remote({ ref: put('inner') });
  ref[Symbol.dispose]();
  assert.equal(await get(result), 'kept');
  assert.equal(await get(((await get(nested)) as { ref: ObjectRef<string> }).ref), 'inner');
});

test('what a disposed task yields is given back', limit, async () => {
  for (let i = 0; i < 50; i++)
    remote(() => new Float64Array(50_000))
      .remote()
      [Symbol.dispose]();
  await get(sleep.remote(1));
});

test('a SharedArrayBuffer stays shared', limit, async () => {
  const memory = new SharedArrayBuffer(8);
  const view = new Int32Array(memory);
  const inc = remote((array: Int32Array, times: number) => {
    for (let i = 0; i < times; i++) Atomics.add(array, 0, 1);
    return array;
  });
  const back = await get(Array.from({ length: 10 }, () => inc.remote(view, 100)));
  assert.equal(view[0], 1000);
  assert.ok(back.every((array) => array.buffer === memory));
});

test('a SharedArrayBuffer made by a task is shared with those it goes to', limit, async () => {
  const make = remote(() => new Int32Array(new SharedArrayBuffer(4)));
  const add = remote((array: Int32Array) => Atomics.add(array, 0, 1));
  const ref = make.remote();
  await get(Array.from({ length: 10 }, () => add.remote(ref)));
  assert.equal((await get(ref))[0], 10);
});
