import assert from 'node:assert/strict';
import test from 'node:test';
import { context, get, ObjectRef, put, remote } from 'mobula';
import { limit, suite } from '../support/suite.ts';

suite();

const echo = remote((value: unknown) => value);
const add = remote((a: number, b: number) => a + b);

const cyclic: { self?: unknown; list: number[] } = { list: [1, 2] };
cyclic.self = cyclic;
const twice = { deep: [1] };

const values: readonly (readonly [string, unknown])[] = [
  ['undefined', undefined],
  ['null', null],
  ['-0', -0],
  ['NaN', Number.NaN],
  ['a bigint', 2n ** 80n],
  ['a long string', 'ä€😀'.repeat(10_000)],
  ['a date', new Date(0)],
  ['a regular expression', /a+/giu],
  ['a map of a set', new Map([[{ a: 1 }, new Set([1, 'two'])]])],
  ['nested objects', { a: { b: { c: [1, undefined, 3, { d: null }] } } }],
  ['a cycle', cyclic],
  ['shared identity', [twice, twice]],
  ['an error with cause and code', Object.assign(new RangeError('no', { cause: 'because' }), { code: 'E_NO' })],
  ['a small buffer', Buffer.from('small')],
  ['a large typed array', new Float64Array(100_000).fill(1.5)],
  ['a large ArrayBuffer', new Uint8Array(300_000).fill(7).buffer],
  ['a DataView', new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2)],
  ['an object of many kinds', { n: 1, s: 's', big: 1n, list: [new Uint8Array(70_000)], date: new Date(5) }],
];

for (const [name, value] of values) {
  test(`${name} goes to a task and comes back`, limit, async () => {
    assert.deepStrictEqual(await get(echo.remote(value)), value);
  });
}

test('shared identity and cycles survive', limit, async () => {
  const [a, b] = (await get(echo.remote([twice, twice]))) as [object, object];
  assert.equal(a, b);
  const copy = (await get(echo.remote(cyclic))) as typeof cyclic;
  assert.equal(copy.self, copy);
});

test('no, one and many arguments', limit, async () => {
  const count = remote((...all: number[]) => [all.length, all.at(-1)]);
  assert.deepEqual(await get(count.remote()), [0, undefined]);
  assert.deepEqual(await get(count.remote(4)), [1, 4]);
  assert.deepEqual(await get(count.remote(...Array.from({ length: 1000 }, (_, i) => i))), [1000, 999]);
});

test('refs at the top level arrive as their values', limit, async () => {
  const sum = add.remote(1, 2);
  assert.equal(await get(add.remote(sum, add.remote(sum, put(10)))), 16);
});

test('the same ref twice, beside values', limit, async () => {
  const two = put(2);
  assert.deepEqual(await get(remote((...all: unknown[]) => all).remote(two, 1, two, 'x', two)), [2, 1, 2, 'x', 2]);
});

test('refs inside a value stay refs', limit, async () => {
  const look = remote(async ({ ref, list }: { ref: ObjectRef<number>; list: ObjectRef<number>[] }) => {
    return [ref instanceof ObjectRef, await get(ref), await get(list)];
  });
  assert.deepEqual(await get(look.remote({ ref: put(1), list: [put(2), add.remote(1, 2)] })), [true, 1, [2, 3]]);
});

test('a ref that a task makes and returns can be got by others', limit, async () => {
  const make = remote((n: number) => ({ ref: put(n * 2) }));
  const { ref } = await get(make.remote(21));
  assert.equal(await get(ref), 42);
  assert.equal(await get(add.remote(ref, 1)), 43);
});

test('a ref passed through many tasks still leads to its value', limit, async () => {
  const pass = remote((box: { ref: ObjectRef<string> }) => box);
  let box: ObjectRef<{ ref: ObjectRef<string> }> = put({ ref: put('there') });
  for (let i = 0; i < 20; i++) box = pass.remote(box);
  assert.equal(await get((await get(box)).ref), 'there');
});

test('async functions and functions that give promises', limit, async () => {
  const sleepy = remote(async (ms: number) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return ms;
  });
  assert.deepEqual(await get([sleepy.remote(5), sleepy.remote(1)]), [5, 1]);
  assert.equal(await get(remote(() => Promise.resolve('later')).remote()), 'later');
  assert.equal(await get(remote(async () => 'at once').remote()), 'at once');
});

test('several returns are a ref each', limit, async () => {
  const divide = remote((a: number, b: number) => [Math.floor(a / b), a % b] as const, { numReturns: 2 });
  const [quotient, rest] = divide.remote(17, 5);
  assert.equal(await get(rest), 2);
  assert.equal(await get(quotient), 3);
});

test('3000 returns', limit, async () => {
  const many = remote(() => Array.from({ length: 3000 }, (_, i) => i * i), { numReturns: 3000 });
  const refs = many.remote();
  assert.equal(refs.length, 3000);
  const squares = await get(refs);
  assert.equal(squares[2999], 2999 * 2999);
  assert.ok(squares.every((square, i) => square === i * i));
});

test('another number of returns than promised is an error of all its refs', limit, async () => {
  const wrong = remote(() => [1, 2, 3], { numReturns: 2 });
  const scalar = remote(() => 1 as unknown as number[], { numReturns: 2 });
  for (const ref of [...wrong.remote(), ...scalar.remote()]) await assert.rejects(get(ref), /numReturns: 2/);
});

test('a result that cannot travel rejects its ref', limit, async () => {
  const refs = [remote(() => () => 1).remote(), remote(() => Symbol('x') as unknown).remote()];
  for (const ref of refs) await assert.rejects(get(ref), /result/);
  const path = remote(() => ({ deep: [{ fn: () => 1 }] as unknown[] })).remote();
  await assert.rejects(get(path), /result\.deep\[0\]\.fn/);
});

test('context() knows the task', limit, async () => {
  const where = remote(() => context(), { name: 'where' });
  const outside = context();
  const [a, b] = await get([where.remote(), where.remote()]);
  assert.equal(a.jobId, outside.jobId);
  assert.equal(a.nodeId, outside.nodeId);
  assert.notEqual(a.workerId, outside.workerId);
  assert.equal(a.taskName, 'where');
  assert.equal(a.attempt, 1);
  assert.notEqual(a.taskId, b.taskId);
  assert.equal(a.actorId, undefined);
  assert.equal(outside.taskId, undefined);
});

test('context() knows the task after an await', limit, async () => {
  const where = remote(async () => {
    const before = context().taskId;
    await new Promise((resolve) => setTimeout(resolve, 1));
    return [before, context().taskId];
  });
  for (const [before, after] of await get(Array.from({ length: 8 }, () => where.remote()))) {
    assert.equal(typeof before, 'string');
    assert.equal(after, before);
  }
});
