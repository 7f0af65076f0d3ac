import assert from 'node:assert/strict';
import test from 'node:test';
import { inspect } from 'node:util';
import { type ActorHandle, availableResources, context, get, kill, type ObjectRef, put, remote } from 'mobula';
import { limit, suite } from '../support/suite.ts';
import { until } from '../support/until.ts';

suite();

class CounterClass {
  #n: number;
  constructor(start = 0) {
    this.#n = start;
  }
  inc(by = 1): number {
    this.#n += by;
    return this.#n;
  }
  read(): number {
    return this.#n;
  }
}
const Counter = remote(CounterClass);

test('an actor keeps its state', limit, async () => {
  const counter = Counter.remote(10);
  assert.equal(await get(counter.inc.remote(5)), 15);
  assert.equal(await get(counter.inc.remote()), 16);
  assert.equal(await get(counter.read.remote()), 16);
  const other = Counter.remote();
  assert.equal(await get(other.read.remote()), 0);
});

test('constructor and methods take refs', limit, async () => {
  const counter = Counter.remote(put(3));
  assert.equal(await get(counter.inc.remote(put(4))), 7);
});

test('calls of one caller run in the order in which they were made', limit, async () => {
  const Log = remote(
    class {
      readonly #seen: number[] = [];
      note(n: number): void {
        this.#seen.push(n);
      }
      async noteLater(n: number): Promise<void> {
        await new Promise((resolve) => setTimeout(resolve, n % 3));
        this.#seen.push(n);
      }
      seen(): number[] {
        return this.#seen;
      }
    },
  );
  const log = Log.remote();
  const slow = remote((n: number) => new Promise<number>((resolve) => setTimeout(() => resolve(n), 20)), {
    numCpus: 0.1,
  });
  for (let i = 0; i < 100; i++) {
    if (i % 10 === 0) log.note.remote(slow.remote(i));
    else if (i % 7 === 0) log.noteLater.remote(i);
    else log.note.remote(i);
  }
  assert.deepEqual(
    await get(log.seen.remote()),
    Array.from({ length: 100 }, (_, i) => i),
  );
});

test('10 000 calls without waiting', limit, async () => {
  const counter = Counter.remote();
  const results = await get(Array.from({ length: 10_000 }, () => counter.inc.remote()));
  assert.ok(results.every((n, i) => n === i + 1));
});

test('2000 actors', limit, async () => {
  const counters = Array.from({ length: 2000 }, (_, i) => Counter.remote(i));
  assert.ok((await get(counters.map((counter) => counter.inc.remote()))).every((n, i) => n === i + 1));
  assert.ok((await get(counters.map((counter) => counter.read.remote()))).every((n, i) => n === i + 1));
});

test('an actor with a thread of its own does not hold up the others', limit, async () => {
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const Blocker = remote(
    class {
      block(mine: Int32Array): string {
        Atomics.store(mine, 1, 1);
        while (Atomics.load(mine, 0) === 0) Atomics.wait(mine, 0, 0, 100);
        return 'done';
      }
      worker(): string {
        return context().workerId;
      }
    },
    { isolation: 'thread' },
  );
  const blocker = Blocker.remote();
  const blocked = blocker.block.remote(shared);
  const counters = Array.from({ length: 10 }, () => Counter.remote());
  assert.deepEqual(await get(counters.map((counter) => counter.inc.remote())), Array(10).fill(1));
  Atomics.store(shared, 0, 1);
  Atomics.notify(shared, 0);
  assert.equal(await get(blocked), 'done');
  const second = Blocker.remote();
  assert.notEqual(await get(blocker.worker.remote()), await get(second.worker.remote()));
});

test('a handle goes to tasks and to other actors', limit, async () => {
  const counter = Counter.remote();
  const bump = remote(async (handle: ActorHandle<typeof CounterClass>, times: number) => {
    for (let i = 0; i < times; i++) await get(handle.inc.remote());
  });
  await get(Array.from({ length: 5 }, () => bump.remote(counter, 10)));
  assert.equal(await get(counter.read.remote()), 50);
  const Boss = remote(
    class {
      readonly #worker: ActorHandle<typeof CounterClass>;
      constructor(worker: ActorHandle<typeof CounterClass>) {
        this.#worker = worker;
      }
      async delegate(): Promise<number> {
        return get(this.#worker.inc.remote());
      }
      give(): { readonly worker: ActorHandle<typeof CounterClass> } {
        return { worker: this.#worker };
      }
    },
  );
  const boss = Boss.remote(counter);
  assert.equal(await get(boss.delegate.remote()), 51);
  const { worker } = await get(boss.give.remote());
  assert.equal(await get(worker.inc.remote()), 52);
});

test('a handle that a function closes over', limit, async () => {
  const counter = Counter.remote();
  const bump = remote(async () => get(counter.inc.remote()));
  const seen = await get(Array.from({ length: 20 }, () => bump.remote()));
  assert.deepEqual(
    seen.sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
});

test('actors made inside tasks and actors', limit, async () => {
  const outer = remote(async () => {
    const counter = Counter.remote(7);
    return get(counter.inc.remote());
  });
  assert.deepEqual(await get([outer.remote(), outer.remote()]), [8, 8]);
  const Maker = remote(
    class {
      make(start: number): ActorHandle<typeof CounterClass> {
        return Counter.remote(start);
      }
    },
  );
  const made = await get(Maker.remote().make.remote(30));
  assert.equal(await get(made.inc.remote()), 31);
});

test('two actors that call one another', limit, async () => {
  const Node = remote(
    class {
      #peer: { pong: { remote(n: number): ObjectRef<number> } } | undefined;
      meet(peer: object): void {
        this.#peer = peer as never;
      }
      async ping(n: number): Promise<number> {
        return this.#peer === undefined ? -1 : get(this.#peer.pong.remote(n + 1));
      }
      pong(n: number): number {
        return n + 1;
      }
    },
  );
  const [a, b] = [Node.remote(), Node.remote()];
  await get([a.meet.remote(b), b.meet.remote(a)]);
  assert.equal(await get(a.ping.remote(1)), 3);
  assert.equal(await get(b.ping.remote(10)), 12);
});

test('a handle is not a thenable, has no toJSON, and only the methods of its class', limit, async () => {
  const counter = Counter.remote();
  assert.equal(await Promise.resolve(counter), counter);
  for (const key of ['then', 'catch', 'toJSON', 'toString', 'valueOf', 'constructor', 'hasOwnProperty', 'unknown']) {
    assert.equal(Reflect.get(counter, key), undefined, key);
    assert.equal(key in counter, false, key);
  }
  assert.equal(JSON.stringify({ counter }), '{"counter":{}}');
  const keys = [];
  for (const key in counter) keys.push(key);
  assert.deepEqual(keys.sort(), ['inc', 'read']);
  assert.match(inspect(counter), /^ActorHandle\(CounterClass, [0-9a-f]{32}\)$/);
});

test('inherited methods, generators, and a method called then', limit, async () => {
  class Base {
    base(): string {
      return `base of ${this.who()}`;
    }
    who(): string {
      return 'Base';
    }
  }
  const Derived = remote(
    class extends Base {
      override who(): string {
        return 'Derived';
      }
      *count(to: number): Generator<number> {
        for (let i = 0; i < to; i++) yield i;
      }
      async *countLater(to: number): AsyncGenerator<number> {
        for (let i = 0; i < to; i++) yield i;
      }
    },
  );
  const actor = Derived.remote();
  assert.equal(await get(actor.base.remote()), 'base of Derived');
  for (const stream of [actor.count.remote(40), actor.countLater.remote(40)]) {
    const values = [];
    for await (const ref of stream) values.push(await get(ref));
    assert.deepEqual(
      values,
      Array.from({ length: 40 }, (_, i) => i),
    );
  }
});

test('maxConcurrency lets that many async calls run at once', limit, async () => {
  const Busy = remote(
    class {
      #now = 0;
      #most = 0;
      /** Goes on until `atLeast` calls have run at once, and some time more, in which others may begin. */
      async work(atLeast: number): Promise<void> {
        this.#now++;
        this.#most = Math.max(this.#most, this.#now);
        while (this.#most < atLeast) await new Promise((resolve) => setTimeout(resolve, 1));
        await new Promise((resolve) => setTimeout(resolve, 5));
        this.#now--;
      }
      most(): number {
        return this.#most;
      }
    },
  );
  for (const maxConcurrency of [1, 3, 50]) {
    const busy = Busy.options({ maxConcurrency }).remote();
    await get(Array.from({ length: 60 }, () => busy.work.remote(maxConcurrency)));
    assert.equal(await get(busy.most.remote()), maxConcurrency);
  }
});

test('an actor that waits for itself with maxConcurrency 2', limit, async () => {
  const Self = remote(
    class {
      async outer(self: { inner: { remote(): ObjectRef<string> } }): Promise<string> {
        return get(self.inner.remote());
      }
      inner(): string {
        return 'inner';
      }
    },
    { maxConcurrency: 2 },
  );
  const self = Self.remote();
  assert.equal(await get(self.outer.remote(self)), 'inner');
});

test('context() within an actor', limit, async () => {
  const Where = remote(
    class {
      readonly made = context();
      look(): [string | undefined, string | undefined, string | undefined] {
        const { actorId, taskId, taskName } = context();
        return [actorId, taskId, taskName];
      }
      async later(): Promise<string | undefined> {
        await new Promise((resolve) => setTimeout(resolve, 1));
        return context().actorId;
      }
    },
  );
  const where = Where.remote();
  const [actorId, taskId, taskName] = await get(where.look.remote());
  assert.match(String(actorId), /^[0-9a-f]{32}$/);
  assert.notEqual(actorId, taskId);
  assert.match(String(taskName), /look/);
  assert.equal(await get(where.later.remote()), actorId);
  assert.notEqual((await get(Where.remote().look.remote()))[0], actorId);
});

test('actors may hold resources', limit, async () => {
  const held = Counter.options({ numCpus: 1.5 }).remote();
  await get(held.inc.remote());
  assert.equal(availableResources()['CPU'], 0.5);
  await kill(held);
  await until(() => availableResources()['CPU'] === 2);
});
