import assert from 'node:assert/strict';
import test from 'node:test';
import { context, get, MobulaError, remote, TaskError } from 'mobula';
import { limit, suite } from '../support/suite.ts';

suite();

const caught = async (promise: Promise<unknown>): Promise<TaskError> => {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof TaskError, String(error));
    return error;
  }
  return assert.fail('it did not reject');
};

const thrower = remote(
  (what: unknown) => {
    throw what;
  },
  { name: 'thrower' },
);

test('what a task throws is a TaskError with cause, code and origin', limit, async () => {
  const error = await caught(
    get(thrower.remote(Object.assign(new Error('broken', { cause: 'because' }), { code: 'E_BROKEN', extra: [1] }))),
  );
  assert.ok(error instanceof MobulaError);
  assert.ok(error instanceof Error);
  assert.equal(error.name, 'TaskError');
  assert.equal(error.code, 'ERR_MOBULA_TASK');
  assert.equal(error.taskName, 'thrower');
  assert.equal(error.attempt, 1);
  assert.equal(error.nodeId, context().nodeId);
  assert.match(error.message, /thrower.*broken/);
  const cause = error.cause as Error & { code: string; extra: number[] };
  assert.ok(cause instanceof Error);
  assert.equal(cause.message, 'broken');
  assert.equal(cause.code, 'E_BROKEN');
  assert.deepEqual(cause.extra, [1]);
  assert.equal(cause.cause, 'because');
});

test('the remote stack is shown', limit, async () => {
  const deep = remote(function outermost() {
    const innermost = (): never => {
      throw new Error('deep');
    };
    return innermost();
  });
  const error = await caught(get(deep.remote()));
  assert.match(String(error.stack), /Remote stack/);
  assert.match(String(error.stack), /innermost/);
  assert.match(String(error.stack), /errors\.test/);
});

for (const Class of [TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError]) {
  test(`a ${Class.name} is an instance of its class, and a TaskError`, limit, async () => {
    const error = await caught(get(thrower.remote(new Class('wrong'))));
    assert.ok(error instanceof Class);
    assert.ok(error instanceof MobulaError);
    assert.equal(error.name, 'TaskError');
    assert.ok(error.cause instanceof Class);
  });
}

for (const thrown of [undefined, null, 0, '', 'text', 12n, { a: 1 }, [1, 2]]) {
  test(`throwing ${typeof thrown} ${String(thrown)} is a TaskError with that cause`, limit, async () => {
    const error = await caught(get(thrower.remote(thrown)));
    assert.deepEqual(error.cause, thrown);
  });
}

test('throwing what cannot travel still says what it was', limit, async () => {
  const symbol = remote(() => {
    throw Symbol('odd');
  });
  assert.match((await caught(get(symbol.remote()))).message, /Symbol\(odd\)/);
  const fn = remote(() => {
    throw () => 1;
  });
  await caught(get(fn.remote()));
  const withCallback = remote(() => {
    throw Object.assign(new RangeError('has a callback'), { code: 'E_CB', callback: () => 1 });
  });
  const error = await caught(get(withCallback.remote()));
  assert.match(error.message, /has a callback/);
  assert.equal((error.cause as { code?: string }).code, 'E_CB');
  assert.ok(error instanceof RangeError);
  const hostile = remote(() => {
    throw { toString: () => assert.fail('no text'), self: () => 1 };
  });
  await caught(get(hostile.remote()));
});

test('an error whose message and stack are getters that throw', limit, async () => {
  const hostile = remote(() => {
    const error = new Error('x');
    Object.defineProperty(error, 'message', {
      get: () => {
        throw new Error('no message');
      },
    });
    Object.defineProperty(error, 'stack', {
      get: () => {
        throw new Error('no stack');
      },
    });
    throw error;
  });
  await caught(get(hostile.remote()));
});

test('a subclass keeps its name and properties', limit, async () => {
  const failing = remote(() => {
    class PaymentError extends Error {
      override readonly name = 'PaymentError';
      readonly amount = 5;
    }
    throw new PaymentError('declined');
  });
  const error = await caught(get(failing.remote()));
  const cause = error.cause as Error & { amount: number };
  assert.ok(cause instanceof Error);
  assert.equal(cause.name, 'PaymentError');
  assert.equal(cause.amount, 5);
  assert.match(error.message, /declined/);
});

test('an AggregateError keeps its errors', limit, async () => {
  const error = await caught(get(thrower.remote(new AggregateError([new TypeError('one'), 'two'], 'many'))));
  const cause = error.cause as AggregateError;
  assert.ok(cause instanceof AggregateError);
  assert.ok(cause.errors[0] instanceof TypeError);
});

test('errors go through nested tasks, each adding itself', limit, async () => {
  const inner = remote(
    () => {
      throw new RangeError('at the bottom');
    },
    { name: 'inner' },
  );
  const middle = remote(async () => get(inner.remote()), { name: 'middle' });
  const outer = remote(async () => get(middle.remote()), { name: 'outer' });
  const error = await caught(get(outer.remote()));
  assert.equal(error.taskName, 'outer');
  const second = error.cause as TaskError;
  assert.ok(second instanceof TaskError);
  assert.equal(second.taskName, 'middle');
  const third = second.cause as TaskError;
  assert.ok(third instanceof TaskError);
  assert.equal(third.taskName, 'inner');
  assert.ok(third.cause instanceof RangeError);
  assert.match(error.message, /at the bottom/);
});

test('a failed argument fails the task that needs it, with the same error', limit, async () => {
  const ran = new Int32Array(new SharedArrayBuffer(4));
  const after = remote((array: Int32Array, _: unknown) => Atomics.add(array, 0, 1));
  const error = await caught(get(after.remote(ran, thrower.remote(new TypeError('first')))));
  assert.equal(error.taskName, 'thrower');
  assert.ok(error instanceof TypeError);
  assert.equal(ran[0], 0);
});

test('the same failed ref can be got many times', limit, async () => {
  const ref = thrower.remote(new Error('again'));
  for (let i = 0; i < 3; i++) assert.match((await caught(get(ref))).message, /again/);
});

test('a failed ref that nobody gets is not an unhandled rejection', limit, async () => {
  const seen: unknown[] = [];
  const listen = (reason: unknown): void => void seen.push(reason);
  process.on('unhandledRejection', listen);
  for (let i = 0; i < 20; i++) thrower.remote(new Error('ignored'));
  await get(remote(() => new Promise((resolve) => setTimeout(resolve, 50))).remote());
  process.off('unhandledRejection', listen);
  assert.deepEqual(seen, []);
});

test('what a task leaves behind costs nobody else', limit, async () => {
  const leaves = remote((kind: string) => {
    if (kind === 'timer')
      setTimeout(() => {
        throw new Error('late');
      }, 5);
    if (kind === 'rejection') void Promise.reject(new Error('unhandled'));
    if (kind === 'later rejection') setTimeout(() => void Promise.reject(new Error('unhandled')), 5);
    if (kind === 'microtask')
      queueMicrotask(() => {
        throw new Error('micro');
      });
    if (kind === 'tick')
      process.nextTick(() => {
        throw new Error('tick');
      });
    return kind;
  });
  const kinds = ['timer', 'rejection', 'later rejection', 'microtask', 'tick'];
  const steady = remote(
    async (n: number) => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return n;
    },
    { maxRetries: 0 },
  );
  const others = Array.from({ length: 6 }, (_, i) => steady.remote(i));
  assert.deepEqual(await get(kinds.map((kind) => leaves.remote(kind))), kinds);
  assert.deepEqual(await get(others), [0, 1, 2, 3, 4, 5]);
  assert.equal(await get(remote(() => 'fine', { maxRetries: 0 }).remote()), 'fine');
});

test('an uncaught error of an async task that still runs is its error', limit, async () => {
  const failing = remote(async () => {
    setTimeout(() => {
      throw new RangeError('from a timer');
    }, 5);
    await new Promise(() => undefined);
  });
  const error = await caught(get(failing.remote()));
  assert.match(error.message, /from a timer/);
});

test('a thenable that throws, and one that never ends well', limit, async () => {
  const bad = remote(
    () =>
      ({
        // biome-ignore lint/suspicious/noThenProperty: that is what is tested
        then: () => {
          throw new Error('bad then');
        },
      }) as unknown as Promise<number>,
  );
  assert.match((await caught(get(bad.remote()))).message, /bad then/);
  const getter = remote(() =>
    Object.defineProperty({}, 'then', {
      get: () => {
        throw new Error('bad getter');
      },
    }),
  );
  await caught(get(getter.remote()));
});

test('a stack overflow is a RangeError of its task', limit, async () => {
  const deep = remote(() => {
    const down = (n: number): number => down(n + 1) + 1;
    return down(0);
  });
  assert.ok((await caught(get(deep.remote()))) instanceof RangeError);
});
