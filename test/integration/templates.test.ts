import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import {
  cancel,
  get,
  getActor,
  kill,
  type ObjectRef,
  put,
  type RemoteFunction,
  remote,
  TaskCancelledError,
} from 'mobula';
import { collectEverywhere } from '../support/garbage.ts';
import { storeStats, templatesInUse } from '../support/inside.ts';
import { limit, suite } from '../support/suite.ts';
import { until } from '../support/until.ts';

// Templates, the code of functions and the values it captures were kept until shutdown, in the core and in every thread.
suite();

/** What the functions of this file and of the support hold; they are used once before it is asked. */
async function quiet(): Promise<{ templates: number; codes: number }> {
  await collectEverywhere();
  await collectEverywhere();
  return templatesInUse();
}

async function assertBack(before: { templates: number; codes: number }): Promise<void> {
  let now = before;
  await until(
    async () => {
      now = await quiet();
      return now.templates <= before.templates && now.codes <= before.codes;
    },
    () => `${JSON.stringify(now)}, and before ${JSON.stringify(before)}`,
  );
}

const add = (by: number) => remote((x: number) => x + by, { name: 'add' });

test('closures of one source go when nobody can call them', limit, async () => {
  const before = await quiet();
  for (let round = 0; round < 5; round++) {
    const refs = Array.from({ length: 100 }, (_, i) => add(round * 100 + i).remote(1));
    assert.deepEqual(
      await get(refs),
      Array.from({ length: 100 }, (_, i) => round * 100 + i + 1),
    );
  }
  await assertBack(before);
});

test('sources go when nobody can call them', limit, async () => {
  const before = await quiet();
  for (let i = 0; i < 20; i++) {
    const fn = new Function('x', `return x * ${i}`) as (x: number) => number;
    assert.equal(await get(remote(fn, { name: 'times' }).remote(2)), 2 * i);
  }
  await assertBack(before);
});

test('sets of options go when nobody can use them, and their function stays', limit, async () => {
  const twice = remote((x: number) => 2 * x, { name: 'twice' });
  assert.equal(await get(twice.remote(1)), 2);
  const before = await quiet();
  const refs = Array.from({ length: 1000 }, (_, i) => twice.options({ name: `twice ${i}` }).remote(i));
  assert.equal((await get(refs)).at(-1), 1998);
  await assertBack(before);
  assert.equal(await get(twice.options({ name: 'twice 7' }).remote(21)), 42);
});

test('the same options give the same template', limit, async () => {
  const half = remote((x: number) => x / 2, { name: 'half' });
  await get(half.remote(2));
  const before = await quiet();
  const named = half.options({ name: 'named half' });
  for (let i = 0; i < 50; i++) assert.equal(await get(half.options({ name: 'named half' }).remote(i)), i / 2);
  assert.equal(templatesInUse().templates, before.templates + 1);
  assert.equal(await get(named.remote(6)), 3);
});

test('functions that call themselves and one another go', limit, async () => {
  const before = await quiet();
  const make = (step: number) => {
    const count: (n: number) => Promise<number> = (n) => (n <= 0 ? Promise.resolve(0) : get(again.remote(n - step)));
    const again = remote(count, { name: 'again' });
    return again;
  };
  const pair = (by: number) => {
    const even = remote((n: number): Promise<boolean> => (n === 0 ? Promise.resolve(true) : get(odd.remote(n - by))), {
      name: 'even',
    });
    const odd = remote((n: number): Promise<boolean> => (n === 0 ? Promise.resolve(false) : get(even.remote(n - by))), {
      name: 'odd',
    });
    return even;
  };
  for (let i = 1; i <= 10; i++) {
    assert.equal(await get(make(i).remote(3 * i)), 0);
    assert.equal(await get(pair(i).remote(3 * i)), false);
  }
  await assertBack(before);
});

test('functions whose code uses option sets of its own go, however they are first called', limit, async () => {
  const before = await quiet();
  type Count = (n: number) => Promise<number>;
  const last = (by: number): Promise<number> => Promise.resolve(by);
  // Its closure holds its option set alone.
  const one = (by: number) => {
    const count: Count = (n) => (n <= 0 ? last(by) : get(fast.remote(n - 1)));
    const self = remote(count, { name: 'self' });
    const fast = self.options({ name: 'fast' });
    return [self, fast];
  };
  // Both, inside captured data.
  const both = (by: number) => {
    const all: { self?: RemoteFunction<[number], Promise<number>>; fast?: RemoteFunction<[number], Promise<number>> } =
      {};
    const count: Count = (n) => (n <= 0 ? last(by) : get((n % 2 === 0 ? all.self : all.fast)?.remote(n - 1) as never));
    all.self = remote(count, { name: 'self in data' });
    all.fast = all.self.options({ name: 'fast in data' });
    return [all.self, all.fast];
  };
  // It makes them anew in each call, of itself and of an option set.
  const anew = (by: number) => {
    const count: Count = (n) =>
      n <= 0
        ? last(by)
        : get(fast.options({ name: `fast ${n}` }).remote(n - 1)).then((x) =>
            get(self.options({ name: 's' }).remote(0)).then(() => x),
          );
    const self = remote(count, { name: 'self anew' });
    const fast = self.options({ name: 'fast anew' });
    return [self, fast];
  };
  // In a function of its own: a frame that waits keeps what it had.
  const use = async (make: typeof one, i: number): Promise<void> => {
    const fns = make(i);
    const [first, second] = i % 2 === 0 ? fns : fns.reverse();
    assert.equal(await get(first?.remote(3) as ObjectRef<number>), i);
    if (i % 3 === 0) assert.equal(await get(second?.remote(2) as ObjectRef<number>), i);
  };
  for (const make of [one, both, anew]) {
    for (let i = 1; i <= 6; i++) await use(make, i);
    await assertBack(before);
  }
});

test('classes whose code makes actors of option sets of its own go', limit, async () => {
  const before = await quiet();
  const make = (by: number) => {
    class Nested {
      async depth(n: number): Promise<number> {
        return n <= 0 ? by : get(named.remote().depth.remote(n - 1));
      }
    }
    const self = remote(Nested, { numCpus: 0 });
    const named = self.options({ maxConcurrency: 2, numCpus: 0 });
    return [self, named];
  };
  for (let i = 1; i <= 4; i++)
    assert.equal(await get(make(i)[i % 2]?.remote().depth.remote(2) as ObjectRef<number>), i);
  await assertBack(before);
});

test('an option set of a recursive function outlives the others', limit, async () => {
  const down: (n: number) => Promise<number> = (n) => (n <= 0 ? Promise.resolve(n) : get(self.remote(n - 1)));
  const self = remote(down, { name: 'down' });
  const call = remote((f: typeof self, n: number) => get(f.options({ name: 'below' }).remote(n)), { name: 'call' });
  assert.equal(await get(call.remote(self, 5)), 0);
  assert.equal(await get(call.remote(self.options({ name: 'other' }), 5)), 0);
});

test('a task runs although its function is gone', limit, async () => {
  const gate = remote((ms: number) => new Promise<number>((resolve) => setTimeout(() => resolve(ms), ms)), {
    name: 'gate',
  });
  const open = gate.remote(300);
  const refs = Array.from({ length: 20 }, (_, i) => add(i).remote(open));
  await collectEverywhere(0);
  assert.deepEqual(
    await get(refs),
    Array.from({ length: 20 }, (_, i) => 300 + i),
  );
});

test('a function in a value is there as long as the value', limit, async () => {
  const before = await quiet();
  const stored = put({ f: add(5) });
  const run = remote(async ({ f }: { f: ReturnType<typeof add> }) => get(f.remote(1)), { name: 'run' });
  await collectEverywhere();
  assert.equal(await get(run.remote(stored)), 6);
  assert.equal(await get((await get(stored)).f.remote(2)), 7);
  const back = await get(remote((g: ReturnType<typeof add>) => g, { name: 'back' }).remote(add(8)));
  await collectEverywhere();
  assert.equal(await get(back.remote(1)), 9);
  stored[Symbol.dispose]();
  await assertBack({ templates: before.templates + 4, codes: before.codes + 4 });
});

test('an error names its task when its function is gone', limit, async () => {
  const fail = (i: number): ObjectRef<never> =>
    remote(
      () => {
        throw new Error(`number ${i}`);
      },
      { name: `fail ${i}` },
    ).remote() as ObjectRef<never>;
  const slow = (): ObjectRef<unknown> =>
    remote(() => new Promise((resolve) => setTimeout(resolve, 60_000)), { name: 'too slow', timeoutMs: 100 }).remote();
  const [failed, late] = [fail(1), slow()];
  await new Promise((resolve) => setTimeout(resolve, 400));
  await collectEverywhere();
  await assert.rejects(get(failed), /fail 1/);
  await assert.rejects(get(late), /'too slow' ran longer than its timeoutMs of 100/);
});

class Counter {
  #n: number;
  constructor(start: number) {
    this.#n = start;
  }
  add(by: number): number {
    this.#n += by;
    return this.#n;
  }
}

test('classes and the templates of their methods go with their actors and handles', limit, async () => {
  const before = await quiet();
  const one = async (start: number): Promise<void> => {
    const Made = remote(class extends Counter {}, { numCpus: 0 });
    const counter = Made.remote(start);
    assert.equal(await get(counter.add.remote(1)), start + 1);
    const ask = remote((c: typeof counter) => get(c.add.remote(1)), { name: 'ask' });
    assert.equal(await get(ask.remote(counter)), start + 2);
    if (start % 2 === 0) await kill(counter);
  };
  for (let i = 0; i < 10; i++) await one(i);
  await assertBack(before);
});

test('a handle works when its class is gone', limit, async () => {
  const make = (): ReturnType<ReturnType<typeof counterClass>['remote']> => counterClass().remote(1);
  const counter = make();
  await collectEverywhere();
  assert.equal(await get(counter.add.remote(1)), 2);
  const ask = remote((c: typeof counter) => get(c.add.remote(1)), { name: 'ask' });
  assert.equal(await get(ask.remote(counter)), 3);
  await kill(counter);
});

const counterClass = () => remote(class extends Counter {}, { numCpus: 0 });

test('a named actor is found when nothing else can make one of its class', limit, async () => {
  const before = await quiet();
  const make = (): void => {
    counterClass().options({ name: 'lasting', lifetime: 'detached' }).remote(1);
  };
  make();
  await collectEverywhere();
  const found = await getActor<typeof Counter>('lasting');
  assert.equal(await get(found.add.remote(1)), 2);
  await kill(found);
  found[Symbol.dispose]();
  await assertBack(before);
});

test('options of calls go, and the methods of a living handle stay', limit, async () => {
  const counter = counterClass().remote(0);
  await get(counter.add.remote(0));
  const before = await quiet();
  for (let i = 1; i <= 200; i++) assert.equal(await get(counter.add.options({ timeoutMs: 10_000 + i }).remote(1)), i);
  await assertBack(before);
  assert.equal(await get(counter.add.remote(1)), 201);
  await kill(counter);
});

test('a task that is tried again, and one that is cancelled, run and end without their function', limit, async (t) => {
  const before = await quiet();
  const folder = mkdtempSync(join(tmpdir(), 'mobula-templates-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const retried = (): ObjectRef<number> => {
    const file = join(folder, 'tried');
    const flaky = async (path: string): Promise<number> => {
      const { existsSync, writeFileSync } = await import('node:fs');
      if (existsSync(path)) return 7;
      writeFileSync(path, 'tried');
      await new Promise((resolve) => setTimeout(resolve, 200));
      throw new Error('the first attempt');
    };
    return remote(flaky, { name: 'flaky', maxRetries: 1, retryExceptions: true }).remote(file);
  };
  const cancelled = (): ObjectRef<unknown> => {
    // It goes on after its cancelling, and keeps its function until it ends.
    const idle = remote(() => new Promise((resolve) => setTimeout(resolve, 1000)), { name: 'idle' });
    return idle.remote();
  };
  const [again, stopped] = [retried(), cancelled()];
  await collectEverywhere();
  cancel(stopped);
  assert.equal(await get(again), 7);
  await assert.rejects(get(stopped), TaskCancelledError);
  await assertBack(before);
});

test('code that calls itself after its end gets a typed error, and its thread lives', limit, async () => {
  const before = await quiet();
  const start = (): Promise<number> => {
    const late = (n: number): number => {
      if (n > 0) {
        const call = async (): Promise<void> => {
          let told = 'nothing';
          try {
            told = String(await get(self.remote(0)));
          } catch (error) {
            told = String((error as { code?: unknown }).code);
          }
          Reflect.set(globalThis, 'mobulaTold', told);
        };
        // Again and again, until the function has ended.
        const timer = setInterval(() => {
          if (Reflect.get(globalThis, 'mobulaTold') !== 'ERR_MOBULA_INVALID_ARGUMENT') void call();
          else clearInterval(timer);
        }, 20);
      }
      return process.pid;
    };
    const self = remote(late, { name: 'late' });
    return get(self.remote(1));
  };
  assert.equal(await start(), process.pid);
  const heard = remote(
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return Reflect.get(globalThis, 'mobulaTold') as unknown;
    },
    { name: 'heard' },
  );
  await until(
    async () => {
      await collectEverywhere();
      const told = await get(Array.from({ length: 8 }, () => heard.remote()));
      return told.includes('ERR_MOBULA_INVALID_ARGUMENT');
    },
    () => 'the late call was never refused',
  );
  await assertBack({ templates: before.templates + 1, codes: before.codes + 1 });
});

test('what closures, sets of options and classes keep is given back in the store too', limit, async () => {
  const big = 'x'.repeat(4000);
  const holding = (i: number) => remote((x: string) => x.length + big.length + i, { name: 'holding' });
  await get(holding(0).remote('a'));
  await quiet();
  const before = storeStats();
  for (let i = 0; i < 100; i++) assert.equal(await get(holding(i).remote('a')), 4001 + i);
  await until(
    async () => {
      await collectEverywhere();
      return storeStats().small <= before.small;
    },
    () => `${storeStats().small} bytes, and before ${before.small}`,
  );
});
