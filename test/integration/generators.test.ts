import assert from 'node:assert/strict';
import test from 'node:test';
import { context, get, type ObjectRefStream, put, remote, TaskCancelledError } from 'mobula';
import { limit, suite } from '../support/suite.ts';
import { until } from '../support/until.ts';

suite();

const count = remote(function* (to: number) {
  for (let i = 0; i < to; i++) yield i;
});

const countLater = remote(async function* (to: number) {
  for (let i = 0; i < to; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    yield i;
  }
});

async function all<T>(stream: ObjectRefStream<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const ref of stream) values.push(await get(ref));
  return values;
}

for (const [name, make] of [
  ['a generator', count],
  ['an async generator', countLater],
] as const) {
  test(`${name} gives its items in order`, limit, async () => {
    for (const length of [0, 1, 7, 15, 16, 17, 200]) {
      assert.deepEqual(
        await all(make.remote(length)),
        Array.from({ length }, (_, i) => i),
      );
    }
  });
}

test('many streams at once', limit, async () => {
  const streams = Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? count : countLater).remote(50 + i));
  const lists = await Promise.all(streams.map(all));
  for (const [i, list] of lists.entries()) assert.equal(list.length, 50 + i);
});

test('refs of a stream can be kept and passed on', limit, async () => {
  const double = remote((n: number) => n * 2);
  const refs = [];
  for await (const ref of count.remote(40)) refs.push(double.remote(ref));
  assert.deepEqual(
    await get(refs),
    Array.from({ length: 40 }, (_, i) => i * 2),
  );
});

test('large items go through the store', limit, async () => {
  const blocks = remote(function* (n: number) {
    for (let i = 0; i < n; i++) yield new Float64Array(20_000).fill(i);
  });
  let i = 0;
  for await (const ref of blocks.remote(10)) {
    const block = await get(ref);
    assert.equal(block.length, 20_000);
    assert.equal(block[19_999], i++);
  }
  assert.equal(i, 10);
});

test('a generator runs ahead of its consumer by a bounded number of items', limit, async () => {
  const shared = new Int32Array(new SharedArrayBuffer(4));
  const counted = remote(function* (counter: Int32Array) {
    for (let i = 0; i < 1000; i++) {
      Atomics.add(counter, 0, 1);
      yield i;
    }
  });
  const stream = counted.remote(shared);
  await stream.next();
  await until(() => Atomics.load(shared, 0) >= 16);
  await get(put(0));
  const ahead = Atomics.load(shared, 0);
  assert.ok(ahead <= 40, `${ahead} items ahead`);
  const rest = await all(stream);
  assert.equal(rest.length, 999);
  assert.equal(Atomics.load(shared, 0), 1000);
});

test('leaving the loop runs the finally of the generator', limit, async () => {
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const endless = remote(function* (marks: Int32Array) {
    try {
      for (let i = 0; ; i++) {
        Atomics.store(marks, 0, i);
        yield i;
      }
    } finally {
      Atomics.store(marks, 1, 1);
    }
  });
  for await (const ref of endless.remote(shared)) if ((await get(ref)) === 3) break;
  await until(
    () => Atomics.load(shared, 1) === 1,
    () => 'its finally did not run',
  );
});

test('leaving the loop of an async generator tells its signal', limit, async () => {
  const shared = new Int32Array(new SharedArrayBuffer(4));
  const endless = remote(async function* (marks: Int32Array) {
    const { signal } = context();
    signal?.addEventListener('abort', () => Atomics.store(marks, 0, 1));
    for (let i = 0; ; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      yield i;
    }
  });
  for await (const _ of endless.remote(shared)) break;
  await until(
    () => Atomics.load(shared, 0) === 1,
    () => 'its signal was not aborted',
  );
});

test('what a generator throws comes after the items before it', limit, async () => {
  const failing = remote(function* () {
    yield 1;
    yield 2;
    throw new RangeError('no more');
  });
  const seen: number[] = [];
  const read = async (): Promise<void> => {
    for await (const ref of failing.remote()) seen.push(await get(ref));
  };
  await assert.rejects(read(), (error) => error instanceof RangeError && /no more/.test(error.message));
  assert.deepEqual(seen, [1, 2]);
});

test('an item that cannot travel rejects the loop', limit, async () => {
  const bad = remote(function* () {
    yield 1 as unknown;
    yield () => 1;
  });
  await assert.rejects(all(bad.remote()), /item/);
});

test('a stream that nobody reads does not keep others from running', limit, async () => {
  const ignored = Array.from({ length: 4 }, () => count.remote(1000));
  assert.equal(await get(remote(() => 'runs').remote()), 'runs');
  for (const stream of ignored) await stream.return();
});

test('a stream after return() is over', limit, async () => {
  const stream = count.remote(100);
  await stream.next();
  assert.deepEqual(await stream.return(), { done: true, value: undefined });
  assert.equal((await stream.next()).done, true);
  assert.equal((await stream.next()).done, true);
});

test('several next() at once get different items in order', limit, async () => {
  const stream = count.remote(5);
  const results = await Promise.all(Array.from({ length: 7 }, () => stream.next()));
  const values = await get(results.flatMap((result) => (result.done === true ? [] : [result.value])));
  assert.deepEqual(values, [0, 1, 2, 3, 4]);
});

test('a task reads the stream of another', limit, async () => {
  const total = remote(async (n: number) => {
    let sum = 0;
    for await (const ref of count.remote(n)) sum += await get(ref);
    return sum;
  });
  assert.deepEqual(await get([total.remote(100), total.remote(50)]), [4950, 1225]);
});

// The loop ended as if all items had come.
test('an aborted signal ends a stream with an error', limit, async () => {
  const controller = new AbortController();
  const stream = count.options({ signal: controller.signal }).remote(1_000_000);
  await stream.next();
  controller.abort();
  const rest = async (): Promise<void> => {
    for await (const _ of stream);
  };
  await assert.rejects(rest(), TaskCancelledError);
  await assert.rejects(count.options({ signal: controller.signal }).remote(5).next(), TaskCancelledError);
});

for (const [name, cause] of [
  ['an item that cannot travel', 'item'],
  ['an error that nobody caught', 'uncaught'],
] as const) {
  test(`the finally of a generator runs after ${name}, and nothing more is yielded`, limit, async () => {
    const shared = new Int32Array(new SharedArrayBuffer(8));
    const failing = remote(async function* (marks: Int32Array, how: string) {
      try {
        yield 'first' as unknown;
        if (how === 'item') yield () => 1;
        setImmediate(() => {
          throw new RangeError('uncaught');
        });
        for (;;) {
          await new Promise((resolve) => setTimeout(resolve, 1));
          Atomics.add(marks, 1, 1);
          yield Atomics.load(marks, 1);
        }
      } finally {
        Atomics.store(marks, 0, 1);
      }
    });
    await assert.rejects(all(failing.remote(shared, cause)), cause === 'item' ? /item/ : RangeError);
    await until(
      () => Atomics.load(shared, 0) === 1,
      () => 'its finally did not run',
    );
    // The thread is well.
    assert.deepEqual(
      await all(count.remote(40)),
      Array.from({ length: 40 }, (_, i) => i),
    );
  });
}

test('a generator that waits for its consumer is ended by an error that nobody caught', limit, async () => {
  const shared = new Int32Array(new SharedArrayBuffer(4));
  const failing = remote(async function* (marks: Int32Array) {
    try {
      setTimeout(() => {
        throw new RangeError('uncaught');
      }, 20);
      for (let i = 0; ; i++) yield i;
    } finally {
      Atomics.store(marks, 0, 1);
    }
  });
  const stream = failing.remote(shared);
  await until(
    () => Atomics.load(shared, 0) === 1,
    () => 'its finally did not run',
  );
  await assert.rejects(all(stream), RangeError);
});
