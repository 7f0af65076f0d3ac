import assert from 'node:assert/strict';
import test from 'node:test';
import { asCompleted, get, type ObjectRef, put, remote, wait } from 'mobula';
import { limit, suite } from '../support/suite.ts';

suite();

const leaf = remote((n: number) => n);

const tree = remote(async (depth: number): Promise<number> => {
  if (depth === 0) return 1;
  const [left, right] = await get([tree.remote(depth - 1), tree.remote(depth - 1)]);
  return left + right;
});

const fall = remote(
  async (depth: number): Promise<number> => (depth === 0 ? 0 : 1 + (await get(fall.remote(depth - 1)))),
);

const fibonacci = remote(async (n: number): Promise<number> => {
  if (n < 2) return n;
  const [a, b] = await get([fibonacci.remote(n - 1), fibonacci.remote(n - 2)]);
  return a + b;
});

test('a task that waits for another', limit, async () => {
  const outer = remote(async (n: number) => (await get(leaf.remote(n))) + 1);
  assert.deepEqual(
    await get(Array.from({ length: 20 }, (_, i) => outer.remote(i))),
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
});

test('recursion deeper than there are CPUs', limit, async () => {
  assert.equal(await get(fall.remote(100)), 100);
});

test('ten recursions at once', limit, async () => {
  assert.deepEqual(await get(Array.from({ length: 10 }, () => fall.remote(20))), Array(10).fill(20));
});

test('a tree of 1023 tasks', limit, async () => {
  assert.equal(await get(tree.remote(9)), 512);
});

test('recursion that branches', limit, async () => {
  assert.equal(await get(fibonacci.remote(12)), 144);
});

test('a ref that comes from a task that has ended', limit, async () => {
  const outer = remote(() => ({ ref: leaf.remote(7) }));
  const { ref } = await get(outer.remote());
  assert.equal(await get(ref), 7);
});

test('a task that submits and does not wait', limit, async () => {
  const outer = remote(() => {
    for (let i = 0; i < 100; i++) leaf.remote(i);
    return 'done';
  });
  assert.equal(await get(outer.remote()), 'done');
});

test('get, wait and asCompleted within a task', limit, async () => {
  const outer = remote(async () => {
    const refs = Array.from({ length: 10 }, (_, i) => leaf.remote(i));
    const { ready, pending } = await wait(refs, { numReturns: 10 });
    let sum = 0;
    for await (const ref of asCompleted(refs)) sum += await get(ref);
    return [ready.length, pending.length, sum];
  });
  assert.deepEqual(await get(outer.remote()), [10, 0, 45]);
});

test('a get that times out within a task, while its CPU is lent', limit, async () => {
  const slow = remote(() => new Promise<string>((resolve) => setTimeout(() => resolve('slow'), 300)));
  const outer = remote(async () => {
    const ref = slow.remote();
    const early = await get(ref, { timeoutMs: 5 }).catch((error: unknown) => (error as { code: string }).code);
    return [early, await get(ref)];
  });
  assert.deepEqual(await get(outer.remote()), ['ERR_MOBULA_GET_TIMEOUT', 'slow']);
});

test('tasks wait for a task that was submitted after them', limit, async () => {
  const first = leaf.remote(1);
  const chain = Array.from({ length: 50 }).reduce<ObjectRef<number>>((ref) => leaf.remote(ref), first);
  const waiters = Array.from({ length: 10 }, () =>
    remote(async (box: { ref: ObjectRef<number> }) => get(box.ref)).remote({ ref: chain }),
  );
  assert.deepEqual(await get(waiters), Array(10).fill(1));
});

test('a chain of 10 000 tasks', limit, async () => {
  const inc = remote((n: number) => n + 1);
  let ref: ObjectRef<number> = put(0);
  for (let i = 0; i < 10_000; i++) ref = inc.remote(ref);
  assert.equal(await get(ref), 10_000);
});

test('a fan-in of 10 000 refs', limit, async () => {
  const sum = remote((...all: number[]) => all.reduce((a, b) => a + b, 0));
  const refs = Array.from({ length: 10_000 }, (_, i) => leaf.remote(i));
  assert.equal(await get(sum.remote(...refs)), 49_995_000);
});

test('a fan-out of one ref to 10 000 tasks', limit, async () => {
  const ref = put(3);
  const tripled = await get(Array.from({ length: 10_000 }, () => leaf.remote(ref)));
  assert.ok(tripled.every((n) => n === 3));
});

test('tasks submitted inside Promise.all of a task', limit, async () => {
  const outer = remote(async (width: number) => {
    const values = await Promise.all(Array.from({ length: width }, async (_, i) => (await get(leaf.remote(i))) * 2));
    return values.reduce((a, b) => a + b, 0);
  });
  assert.deepEqual(await get([outer.remote(10), outer.remote(20)]), [90, 380]);
});
