import assert from 'node:assert/strict';
import test, { afterEach } from 'node:test';
import {
  asCompleted,
  get,
  init,
  isInitialized,
  put,
  RuntimeClosedError,
  remote,
  type SerializationError,
  shutdown,
  TaskCancelledError,
} from 'mobula';
import { liveTasks } from '../support/inside.ts';
import { limit } from '../support/suite.ts';
import { until } from '../support/until.ts';

afterEach(() => shutdown({ timeoutMs: 1000 }));

const sleep = remote((ms: number) => new Promise<number>((resolve) => setTimeout(() => resolve(ms), ms)));
const count = remote(function* (n: number) {
  for (let i = 0; i < n; i++) yield i;
});

/** Warnings that Node prints while `body` runs. */
async function warningsOf(body: () => Promise<void>): Promise<string[]> {
  const warnings: string[] = [];
  const collect = (warning: Error): void => void warnings.push(warning.message);
  process.on('warning', collect);
  await body();
  // They are printed in a later turn.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', collect);
  return warnings;
}

test('await using: the runtime waits for its work and is gone after the block', limit, async () => {
  let value: Promise<number>;
  {
    await using runtime = await init({ numCpus: 1 });
    value = get(sleep.remote(20));
    assert.equal(runtime.stats().workers, 1);
  }
  assert.equal(isInitialized(), false);
  assert.equal(await value, 20);
});

test('await using: a runtime ends with its block when that throws', limit, async () => {
  await assert.rejects(async () => {
    await using _runtime = await init({ numCpus: 1 });
    throw new Error('of the block');
  }, /of the block/);
  assert.equal(isInitialized(), false);
});

// A library's block shut down the application's runtime.
test('await using: a block that did not start the runtime does not end it', limit, async () => {
  {
    await using application = await init({ numCpus: 1 });
    {
      await using library = await init({ ignoreReinit: true });
      assert.equal(library.nodeId, application.nodeId);
    }
    assert.equal(await get(sleep.remote(1)), 1);
  }
  assert.equal(isInitialized(), false);
});

test('await using: the block of a runtime that is gone does not end the next one', limit, async () => {
  const first = await init({ numCpus: 1 });
  await shutdown();
  await init({ numCpus: 1 });
  await first[Symbol.asyncDispose]();
  assert.equal(isInitialized(), true);
});

test('using: a ref is released at the end of its block, and a stream is left', limit, async () => {
  await init({ numCpus: 1 });
  let kept: ReturnType<typeof sleep.remote>;
  {
    using ref = sleep.remote(1);
    kept = ref;
    assert.equal(await get(ref), 1);
  }
  await assert.rejects(get(kept), /was released/);
  {
    await using stream = count.remote(1_000_000);
    const first = await stream.next();
    assert.equal(first.done, false);
  }
  await until(() => liveTasks() === 0);
});

// A ref of an earlier runtime, inside a value, was taken for the object that had its number in the next one.
test(
  'what was released, or is of an earlier runtime, is refused, and the error says where it stands',
  limit,
  async () => {
    const echo = remote((value: unknown) => value);
    const Actor = remote(
      class {
        take(value: unknown): unknown {
          return value;
        }
      },
    );
    const refused = (...useless: readonly unknown[]): void => {
      const { take } = Actor.remote() as unknown as { take: { remote(...args: unknown[]): unknown } };
      for (const thing of useless) {
        for (const [path, send] of [
          ['args[0].a[0]', () => echo.remote({ a: [thing] })],
          ['args[1].b', () => take.remote(1, { b: thing })],
          ['value.c', () => put({ c: thing })],
        ] as const) {
          assert.throws(send, (error: SerializationError) => {
            assert.equal(error.path, path);
            assert.ok(
              error.message.startsWith(`${path} was released. Its [Symbol.dispose]() was called, `),
              error.message,
            );
            assert.equal(error.message.split('released').length, 2);
            return error.code === 'ERR_MOBULA_SERIALIZATION';
          });
        }
      }
    };
    await init({ numCpus: 1 });
    const [earlier, life] = [put('before'), Actor.remote()];
    await get(life.take.remote(1));
    const [ref, actor] = [put(1), Actor.remote()];
    ref[Symbol.dispose]();
    actor[Symbol.dispose]();
    refused(ref, actor);
    assert.throws(() => echo.remote(ref), /^MobulaError: args\[0\] was released\. Its /);
    assert.throws(() => actor.take.remote(1), /^MobulaError: This actor handle was released\. Its /);
    const captures = remote(() => actor);
    assert.throws(() => captures.remote(), /^CaptureError: .*'actor' .*\. actor was released\. (?!.* See .* See )/);
    await shutdown();
    await init({ numCpus: 1 });
    const after = put('after');
    refused(earlier, life);
    assert.equal(await get(after), 'after');
  },
);

test('stats tell what there is to do, and end with their runtime', limit, async () => {
  const runtime = await init({ numCpus: 1, objectStoreMemory: '64MiB' });
  const refs = [sleep.remote(50), sleep.remote(50), sleep.remote(50)];
  assert.equal(runtime.stats().tasks, 3);
  await get(refs);
  await until(() => runtime.stats().tasks === 0);
  assert.deepEqual(runtime.stats().store, { capacity: 64 * 2 ** 20, used: 0, spilled: 0 });
  await shutdown();
  assert.throws(() => runtime.stats(), RuntimeClosedError);
  const next = await init({ numCpus: 1 });
  assert.throws(() => runtime.stats(), RuntimeClosedError);
  assert.equal(next.stats().tasks, 0);
});

test('a task cannot ask for stats', limit, async () => {
  await init({ numCpus: 1 });
  const ask = remote(async () => (await init({ ignoreReinit: true })).stats());
  await assert.rejects(get(ask.remote()), /Only the driver/);
});

test('a signal ends a get, and the task goes on', limit, async () => {
  await init({ numCpus: 1 });
  const ref = sleep.remote(50);
  await assert.rejects(get(ref, { signal: AbortSignal.timeout(5) }), { name: 'TimeoutError' });
  assert.equal(await get(ref), 50);
});

// Every `get` and every stream added a listener of its own: from the eleventh on, Node warned of a leak.
test('one signal serves any number of gets, tasks and streams without a warning', limit, async () => {
  await init({ numCpus: 1 });
  const stop = new AbortController();
  const { signal } = stop;
  const warnings = await warningsOf(async () => {
    const values = Array.from({ length: 20 }, () => get(sleep.remote(5000), { signal }));
    const tasks = Array.from({ length: 20 }, () => get(sleep.options({ signal }).remote(5000)));
    const streams = Array.from({ length: 20 }, () => count.options({ signal }).remote(1_000_000));
    const settled = Promise.allSettled([...values, ...tasks]);
    stop.abort(new RangeError('enough'));
    for (const [i, result] of (await settled).entries()) {
      assert.equal(result.status, 'rejected');
      assert.ok(result.reason instanceof (i < 20 ? RangeError : TaskCancelledError), String(result.reason));
    }
    for (const stream of streams) await assert.rejects(stream.next(), TaskCancelledError);
  });
  assert.deepEqual(warnings, []);
});

test('a loop over asCompleted that is left early holds nothing back', limit, async () => {
  await init({ numCpus: 2 });
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const second = remote(async (opened: Int32Array) => {
    while (Atomics.load(opened, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    return 2;
  });
  const refs = [sleep.remote(1), second.remote(gate)];
  for await (const ref of asCompleted(refs)) {
    assert.equal(await get(ref), 1);
    break;
  }
  Atomics.store(gate, 0, 1);
  assert.deepEqual(await get(refs), [1, 2]);
});
