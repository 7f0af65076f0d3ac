import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import test from 'node:test';
import { inspect } from 'node:util';
import * as mobula from 'mobula';
import {
  type ActorHandle,
  ActorNameTakenError,
  allocate,
  asCompleted,
  availableResources,
  cancel,
  clusterResources,
  context,
  get,
  getActor,
  init,
  isInitialized,
  kill,
  MobulaError,
  NodeDiedError,
  nodes,
  ObjectRef,
  put,
  remote,
  shutdown,
  TaskCancelledError,
  TaskError,
  TaskTimeoutError,
  UnschedulableError,
  wait,
} from 'mobula';
import { limit, suite } from '../support/suite.ts';
import { until } from '../support/until.ts';

// The public API, name by name, in the order of its description. What has a file of its own is only touched here.

suite({ numCpus: 2, objectStoreMemory: '256MiB', labels: { zone: 'a' } });

/** A mobula error of that code whose message leads to a page that is there. */
const coded =
  (code: string) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof MobulaError, String(error));
    assert.equal(error.code, code);
    const file = / See (\/\S+)#(\w+)$/.exec(error.message);
    assert.ok(file?.[1] !== undefined && existsSync(file[1]), error.message);
    assert.equal(file[2], code.toLowerCase());
    assert.equal(error.helpPage, `${file[1]}#${file[2]}`);
    return true;
  };

function sleepFor(ms: number): Promise<number> {
  return new Promise((resolve) => setTimeout(() => resolve(ms), ms));
}
const sleep = remote(sleepFor, { numCpus: 0.1 });

class CounterClass {
  #n: number;
  constructor(start = 0) {
    this.#n = start;
  }
  inc(by = 1): number {
    this.#n += by;
    return this.#n;
  }
  hang(flag?: Int32Array): void {
    if (flag !== undefined) Atomics.store(flag, 0, 1);
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  }
  async later(ms: number): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return this.#n;
  }
  async patient(): Promise<boolean> {
    const { signal } = context();
    await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()));
    return signal?.aborted ?? false;
  }
  pair(): [number, string] {
    return [this.#n, 'a'];
  }
  *items(): Generator<number> {
    yield 1;
    yield 2;
  }
}
const Counter = remote(CounterClass);

// ---- starting and stopping -------------------------------------------------------------------------------------

test('a second init() throws, unless it does not mind', limit, async () => {
  await assert.rejects(init(), coded('ERR_MOBULA_ALREADY_INITIALIZED'));
  const runtime = await init({ ignoreReinit: true });
  assert.equal(typeof runtime[Symbol.asyncDispose], 'function');
  assert.equal(isInitialized(), true);
});

// ---- tasks -----------------------------------------------------------------------------------------------------

test('top-level refs are resolved, nested ones stay refs', limit, async () => {
  const seen = remote((first: unknown, second: { ref: unknown }) => [typeof first, ObjectRef.name, typeof second.ref]);
  assert.deepEqual(await get(seen.remote(put(1), { ref: put(2) })), ['number', 'ObjectRef', 'object']);
});

test('the ref of a ref arrives as a ref', limit, async () => {
  const read = remote(async (ref: ObjectRef<number>) => get(ref));
  assert.equal(await get(read.remote(put(put(7)))), 7);
});

test('all options of a task together', limit, async () => {
  const f = remote(() => [context().taskName, 1]);
  const refs = f
    .options({
      name: 'named',
      numCpus: 0.5,
      numGpus: 0,
      resources: {},
      memory: 1024,
      numReturns: 2,
      maxRetries: 1,
      retryExceptions: false,
      timeoutMs: 20_000,
      signal: new AbortController().signal,
      priority: 1,
      schedulingStrategy: 'spread',
    })
    .remote();
  assert.deepEqual(await get(refs), ['named', 1]);
});

test('a task asks for a node by its id', limit, async () => {
  const where = remote(() => context().nodeId);
  const [node] = nodes();
  assert.ok(node !== undefined);
  const { nodeId } = node;
  assert.equal(await get(where.options({ schedulingStrategy: { nodeId } }).remote()), nodeId);
  assert.equal(await get(where.options({ schedulingStrategy: { nodeId: 'gone', soft: true } }).remote()), nodeId);
  const gone = where.options({ schedulingStrategy: { nodeId: 'gone' } });
  assert.throws(
    () => gone.remote(),
    (error) => error instanceof NodeDiedError && coded('ERR_MOBULA_NODE_DIED')(error),
  );
  // A refusal is of that call alone.
  assert.equal(await get(where.remote()), nodeId);
  assert.throws(
    () => Counter.options({ schedulingStrategy: { nodeId: 'gone' } }).remote(),
    coded('ERR_MOBULA_NODE_DIED'),
  );
  for (const wrong of [{ nodeId: 5 }, { nodeId: 'a', softly: true }, { nodeId: 'a', soft: 1 }, null, 'best']) {
    const options = { schedulingStrategy: wrong as never };
    assert.throws(() => where.options(options), coded('ERR_MOBULA_INVALID_OPTION'), inspect(wrong));
  }
});

test('what no node has is refused at the call', limit, () => {
  const f = remote(() => 1);
  for (const options of [{ memory: 2 ** 52 }, { numGpus: 1 }, { numCpus: 3 }, { resources: { licence: 1 } }]) {
    assert.throws(
      () => f.options(options).remote(),
      (error) => error instanceof UnschedulableError && coded('ERR_MOBULA_UNSCHEDULABLE')(error),
    );
  }
});

class FlakyError extends Error {
  readonly tries: number;
  constructor(tries: number) {
    super(`try ${tries}`);
    this.tries = tries;
  }
}

test('retryExceptions takes classes of one’s own', limit, async () => {
  const flaky = remote(() => {
    const { attempt = 0 } = context();
    if (attempt < 3) throw new FlakyError(attempt);
    return attempt;
  });
  assert.equal(await get(flaky.options({ retryExceptions: [FlakyError] }).remote()), 3);
  assert.equal(await get(flaky.options({ retryExceptions: [Error] }).remote()), 3);
  await assert.rejects(get(flaky.options({ retryExceptions: [TypeError] }).remote()), TaskError);
});

test('a generator gives a stream; what only returns one is told what to do', limit, async () => {
  const items = remote(async function* (): AsyncIterable<number> {
    yield 1;
    yield 2;
  });
  const seen: number[] = [];
  for await (const ref of items.remote()) seen.push(await get(ref));
  assert.deepEqual(seen, [1, 2]);
  function* inner(): Generator<number> {
    yield 1;
  }
  const returns = remote(() => inner());
  const ref = returns.remote() as unknown as ObjectRef<unknown>;
  await assert.rejects(get(ref), (error) => {
    assert.match((error as Error).message, /is a generator.*function\*/);
    return coded('ERR_MOBULA_TASK')(error);
  });
  await assert.rejects(
    (async () => {
      for await (const _ of returns.remote());
    })(),
    coded('ERR_MOBULA_INVALID_ARGUMENT'),
  );
});

// ---- actors ----------------------------------------------------------------------------------------------------

test('getActor is asynchronous, finds what was just named, and does not block the thread', limit, async () => {
  const made = Counter.options({ name: 'found' }).remote(3);
  const found = await getActor<typeof CounterClass>('found');
  assert.equal(await get(found.inc.remote()), 4);
  assert.equal(await get(made.inc.remote()), 5);
  await assert.rejects(getActor('nobody'), coded('ERR_MOBULA_ACTOR_NOT_FOUND'));
  await assert.rejects(getActor('found', { namespace: 'other' }), coded('ERR_MOBULA_ACTOR_NOT_FOUND'));
  await assert.rejects(getActor('x', { space: 1 } as object), coded('ERR_MOBULA_INVALID_OPTION'));
});

test('a named actor can be called at once from another thread, though its constructor waits', limit, async () => {
  const made = Counter.options({ name: 'waits' }).remote(sleep.remote(100));
  const inc = remote(async () => get((await getActor<typeof CounterClass>('waits')).inc.remote()));
  assert.equal(await get(inc.remote()), 101);
  await kill(made);
});

test('a creation whose arguments cannot travel leaves no name behind', limit, async () => {
  const Named = Counter.options({ name: 'refused' });
  assert.throws(() => Named.remote((() => 1) as never), coded('ERR_MOBULA_SERIALIZATION'));
  await assert.rejects(getActor('refused'), coded('ERR_MOBULA_ACTOR_NOT_FOUND'));
  assert.equal(await get(Named.remote(1).inc.remote()), 2);
});

test('a name that is taken: the handle’s calls reject, in every thread', limit, async () => {
  const marks = new Int32Array(new SharedArrayBuffer(4));
  const Marked = remote(
    class {
      constructor(seen: Int32Array) {
        Atomics.add(seen, 0, 1);
      }
      call(): string {
        return 'called';
      }
    },
    { name: 'taken' },
  );
  const first = Marked.remote(marks);
  const second = Marked.remote(marks);
  const taken = (error: unknown): boolean =>
    error instanceof ActorNameTakenError && coded('ERR_MOBULA_ACTOR_NAME_TAKEN')(error);
  await assert.rejects(get(second.call.remote()), taken);
  const inTask = remote(async (handle: typeof second) => get(handle.call.remote()));
  await assert.rejects(get(inTask.remote(second)), (error) => error instanceof TaskError && taken(error.cause));
  assert.equal(await get(first.call.remote()), 'called');
  assert.equal(Atomics.load(marks, 0), 1);
  const same = Marked.options({ getIfExists: true }).remote(marks);
  assert.equal(await get(same.call.remote()), 'called');
  assert.equal(Atomics.load(marks, 0), 1);
  // Killing what never was leaves the name to the one that has it.
  await kill(second);
  assert.equal(await get(((await getActor<never>('taken')) as typeof first).call.remote()), 'called');
  await kill(first);
  await assert.rejects(getActor('taken'), coded('ERR_MOBULA_ACTOR_NOT_FOUND'));
  assert.equal(await get(Marked.remote(marks).call.remote()), 'called');
  assert.equal(Atomics.load(marks, 0), 2);
});

test('namespace and name are two texts', limit, async () => {
  const one = Counter.options({ namespace: 'a', name: 'b/c' }).remote(1);
  const other = Counter.options({ namespace: 'a/b', name: 'c' }).remote(10);
  assert.deepEqual(await get([one.inc.remote(), other.inc.remote()]), [2, 11]);
  const found = await getActor<typeof CounterClass>('c', { namespace: 'a/b' });
  assert.equal(await get(found.inc.remote()), 12);
});

test('many threads that create one name make one actor, and nobody hangs', limit, async () => {
  const race = remote(async (name: string) => {
    const handle = Counter.options({ name }).remote();
    try {
      await get(handle.inc.remote());
      return 'made';
    } catch (error) {
      return (error as { code?: string }).code;
    }
  });
  for (let round = 0; round < 20; round++) {
    const keep = Counter.options({ name: `race-${round}`, getIfExists: true, lifetime: 'detached' });
    const results = await get(Array.from({ length: 6 }, () => race.remote(`race-${round}`)));
    assert.ok(
      results.every((result) => result === 'made' || result === 'ERR_MOBULA_ACTOR_NAME_TAKEN'),
      String(results),
    );
    assert.ok(results.includes('made'));
    await kill(keep.remote());
  }
});

test(
  'names that come and go in many threads: every call settles, with a value or with one of three errors',
  limit,
  async () => {
    const churn = remote(async (seed: number) => {
      const seen = new Set<string | undefined>();
      for (let i = 0; i < 300; i++) {
        const [name, mode] = [`churn-${(seed + i) % 3}`, (seed + i * 5) % 4];
        try {
          const Named = Counter.options({ name, getIfExists: mode === 1 });
          const handle = mode === 0 ? await getActor<typeof CounterClass>(name) : Named.remote();
          const call = handle.inc.remote();
          if (i % 4 === 0) await kill(handle);
          await get(call);
          handle[Symbol.dispose]();
          seen.add('value');
        } catch (error) {
          seen.add((error as { code?: string }).code);
        }
      }
      return seen;
    });
    const seen = new Set<string | undefined>();
    for (const each of await get([1, 2, 3, 4].map((seed) => churn.remote(seed))))
      for (const what of each) seen.add(what);
    const known = ['value', 'ERR_MOBULA_ACTOR_DIED', 'ERR_MOBULA_ACTOR_NAME_TAKEN', 'ERR_MOBULA_ACTOR_NOT_FOUND'];
    assert.ok(seen.has('value'));
    for (const what of seen) assert.ok(known.includes(String(what)), String(what));
  },
);

test('a handle prints its class and id, and is no thenable', limit, async () => {
  const counter = Counter.remote();
  const shown = inspect(counter);
  assert.match(shown, /^ActorHandle\(CounterClass, [0-9a-f]{32}\)$/);
  assert.equal(`${counter}`, shown);
  assert.equal(JSON.stringify({ counter }), '{"counter":{}}');
  assert.equal(await Promise.resolve(counter), counter);
  const keys: string[] = [];
  for (const key in counter) keys.push(key);
  assert.deepEqual(keys.sort(), ['hang', 'inc', 'items', 'later', 'pair', 'patient']);
  assert.equal(inspect(Counter), 'ActorClass(CounterClass)');
  assert.match(inspect({ deep: [counter] }), /ActorHandle\(CounterClass, /);
});

test('methods may be called what a promise, JSON or an object calls theirs', limit, async () => {
  class Odd {
    // biome-ignore lint/suspicious/noThenProperty: what the test is about
    then(): string {
      return 'then';
    }
    toJSON(): string {
      return 'toJSON';
    }
    remote(): string {
      return 'remote';
    }
    toString(): string {
      return 'toString';
    }
    valueOf(): string {
      return 'valueOf';
    }
    hasOwnProperty(): boolean {
      return true;
    }
    // A computed key, so that it is a method of that name.
    ['__proto__'](): string {
      return 'proto';
    }
  }
  const odd = remote(Odd).remote();
  assert.equal(await Promise.resolve(odd), odd);
  assert.deepEqual(
    await get([
      odd.then.remote(),
      odd.toJSON.remote(),
      odd.remote.remote(),
      odd.toString.remote(),
      odd.valueOf.remote(),
    ]),
    ['then', 'toJSON', 'remote', 'toString', 'valueOf'],
  );
  assert.equal(await get((Reflect.get(odd, '__proto__') as typeof odd.then).remote()), 'proto');
  assert.equal(JSON.stringify(odd), '{}');
  assert.match(String(odd), /^ActorHandle\(Odd, /);
  assert.equal('constructor' in odd, false);
  const asArgument = remote(async (handle: ActorHandle<typeof Odd>) => get(handle.then.remote()));
  assert.equal(await get(asArgument.remote(odd)), 'then');
});

test('fields that hold functions are methods, as the types say', limit, async () => {
  class Fields {
    #n = 1;
    arrow = (by = 1): number => {
      this.#n += by;
      return this.#n;
    };
    items = function* (): Generator<number> {
      yield 1;
    };
  }
  class More extends Fields {
    more = async (): Promise<number> => this.arrow(10);
  }
  const handle = remote(More).remote();
  assert.equal(await get(handle.arrow.remote(2)), 3);
  assert.equal(await get(handle.more.remote()), 13);
  const seen: number[] = [];
  for await (const ref of handle.items.remote()) seen.push(await get(ref));
  assert.deepEqual(seen, [1]);
  const inTask = remote(async (other: typeof handle) => get(other.arrow.remote()));
  assert.equal(await get(inTask.remote(handle)), 14);
});

test('dispose: the actor ends when no handle is left, and a disposed handle is refused', limit, async () => {
  const Holder = Counter.options({ numCpus: 1, name: 'disposed' });
  const one = Holder.remote();
  const two = await getActor<typeof CounterClass>('disposed');
  assert.equal(await get(one.inc.remote()), 1);
  one[Symbol.dispose]();
  one[Symbol.dispose]();
  assert.throws(() => one.inc.remote(), coded('ERR_MOBULA_INVALID_ARGUMENT'));
  assert.equal(inspect(one), 'ActorHandle(CounterClass, released)');
  assert.equal(await get(two.inc.remote()), 2);
  const last = two.later.remote(20);
  two[Symbol.dispose]();
  assert.equal(await get(last), 2, 'calls that were made come first');
  await until(() => availableResources()['CPU'] === 2);
  await assert.rejects(getActor('disposed'), coded('ERR_MOBULA_ACTOR_NOT_FOUND'));
  {
    using scoped = Holder.remote();
    assert.equal(await get(scoped.inc.remote()), 1);
  }
  await until(() => availableResources()['CPU'] === 2);
});

test('a call has a time limit of its own', limit, async () => {
  const counter = Counter.options({ maxRestarts: -1 }).remote();
  assert.equal(await get(counter.inc.options({ timeoutMs: 20_000 }).remote(5)), 5);
  await assert.rejects(
    get(counter.hang.options({ timeoutMs: 50 }).remote()),
    (error) => error instanceof TaskTimeoutError && coded('ERR_MOBULA_TASK_TIMEOUT')(error),
  );
  // Its thread was stopped; with restarts left it begins anew.
  assert.equal(await get(counter.inc.remote()), 1);
  await assert.rejects(get(counter.patient.options({ timeoutMs: 50 }).remote()), TaskTimeoutError);
  assert.equal(await get(counter.inc.remote()), 1);
});

test('a signal cancels a call', limit, async () => {
  const counter = Counter.remote();
  const controller = new AbortController();
  const call = counter.patient.options({ signal: controller.signal }).remote();
  const stream = counter.items.options({ signal: controller.signal }).remote();
  controller.abort();
  await assert.rejects(get(call), TaskCancelledError);
  const never = counter.inc.options({ signal: controller.signal }).remote();
  await assert.rejects(get(never), TaskCancelledError);
  const [one, two] = counter.pair.options({ signal: controller.signal, numReturns: 2 }).remote();
  await assert.rejects(get(one), TaskCancelledError);
  await assert.rejects(get(two), TaskCancelledError);
  await assert.rejects(stream.next(), TaskCancelledError);
  const nothing = counter.items.options({ signal: controller.signal }).remote();
  await assert.rejects(nothing.next(), TaskCancelledError);
  const many = Array.from({ length: 200 }, () => counter.inc.options({ signal: controller.signal }).remote());
  for (const ref of many) await assert.rejects(get(ref), TaskCancelledError);
  assert.equal(await get(counter.inc.remote()), 1, 'no call of an aborted signal has run');
});

test('a call gives several refs', limit, async () => {
  const counter = Counter.remote(4);
  const [n, text] = counter.pair.options({ numReturns: 2 }).remote();
  assert.deepEqual([await get(n), await get(text)], [4, 'a']);
  const [first] = counter.pair.options({ numReturns: 3 }).remote() as unknown as [ObjectRef<number>];
  await assert.rejects(get(first), TaskError);
});

test('options of calls are checked', limit, () => {
  const counter = Counter.remote();
  const wrong = [{ timeoutMs: 0 }, { timeoutMs: '5' }, { signal: {} }, { numReturns: 0 }, { maxRetries: 1 }];
  for (const options of wrong) {
    assert.throws(() => counter.inc.options(options as object), coded('ERR_MOBULA_INVALID_OPTION'), inspect(options));
  }
  assert.throws(() => counter.items.options({ numReturns: 2 }), coded('ERR_MOBULA_INVALID_OPTION'));
});

test('what is not built yet of actors is refused', limit, () => {
  for (const options of [{ isolation: 'process' }, { checkpointEvery: 5 }, { readOnly: ['inc'] }] as const) {
    assert.throws(() => Counter.options(options), coded('ERR_MOBULA_NOT_BUILT'), inspect(options));
  }
});

// ---- objects ---------------------------------------------------------------------------------------------------

test('a ref prints its class, id and state', limit, async () => {
  const ref = put(1);
  assert.equal(inspect(ref), `ObjectRef(${ref.id}, ready)`);
  assert.equal(`${ref}`, inspect(ref));
  assert.equal(ref.recoverable, false);
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const held = remote((mine: Int32Array) => void Atomics.wait(mine, 0, 0)).remote(flag);
  assert.equal(inspect(held), `ObjectRef(${held.id}, pending)`);
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
  await get(held);
  assert.equal(inspect(held), `ObjectRef(${held.id}, ready)`);
  held[Symbol.dispose]();
  assert.equal(inspect(held), 'ObjectRef(released)');
  assert.equal(inspect(sleep), 'RemoteFunction(sleepFor)');
  const stream = Counter.remote().items.remote();
  assert.match(inspect(stream), /^ObjectRefStream\([0-9a-f]+, open\)$/);
  for await (const _ of stream);
  assert.match(inspect(stream), /^ObjectRefStream\([0-9a-f]+, ended\)$/);
});

/** Keeps this thread busy until `done` says so; nothing of its event loop runs. */
function busyUntil(done: () => boolean): void {
  while (!done()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
}

const mark = remote((marks: Int32Array, at: number) => {
  Atomics.store(marks, at, 1);
  return at;
});

/** Eight tasks that are done, of which this thread has heard nothing yet. */
function done(): { refs: ObjectRef<number>[]; marks: Int32Array } {
  const marks = new Int32Array(new SharedArrayBuffer(32));
  const refs = Array.from({ length: 8 }, (_, i) => mark.remote(marks, i));
  // Both workers go on until all have run and their results are in the core, which `inspect` asks.
  inspect(refs[0]);
  busyUntil(() => refs.every((ref) => inspect(ref).includes('ready')));
  return { refs, marks };
}

test('wait with timeoutMs 0 tells what is so now', limit, async () => {
  await get(mark.remote(new Int32Array(new SharedArrayBuffer(4)), 0));
  const { refs } = done();
  const { ready, pending } = await wait(refs, { numReturns: 8, timeoutMs: 0 });
  assert.deepEqual([ready.length, pending.length], [8, 0]);
  const some = await wait(refs, { numReturns: 3, timeoutMs: 0 });
  assert.deepEqual([some.ready, some.pending], [refs.slice(0, 3), refs.slice(3)]);
});

test('a time limit that ends while this thread is busy does not overtake the news', limit, async () => {
  const marks = new Int32Array(new SharedArrayBuffer(4));
  const first = mark.remote(marks, 0);
  const waiting = wait([first, put(1)], { numReturns: 2, timeoutMs: 1 });
  const getting = get(first, { timeoutMs: 1 });
  busyUntil(() => inspect(first).includes('ready'));
  const end = performance.now() + 10;
  busyUntil(() => performance.now() > end);
  assert.equal((await waiting).ready.length, 2);
  assert.equal(await getting, 0);
});

test('polling ends, also for a call on an actor of the same thread', limit, async () => {
  const Poller = remote(
    class {
      async poll(other: ActorHandle<typeof CounterClass>): Promise<number> {
        let pending = [other.later.remote(20)];
        for (let polls = 0; ; polls++) {
          ({ pending } = await wait(pending, { timeoutMs: 0 }));
          if (pending.length === 0) return polls;
        }
      }
    },
  );
  const pollers = Array.from({ length: 4 }, () => Poller.remote());
  const polls = await get(pollers.map((poller) => poller.poll.remote(Counter.remote())));
  assert.ok(polls.every((count) => count > 0));
});

test('wait keeps the order and refuses to wait for more than there is', limit, async () => {
  const refs = [sleep.remote(60), put(1), sleep.remote(20), put(2)];
  const { ready, pending } = await wait(refs, { numReturns: 3 });
  assert.deepEqual(ready, [refs[1], refs[2], refs[3]]);
  assert.deepEqual(pending, [refs[0]]);
  await assert.rejects(wait(refs, { numReturns: 5 }), coded('ERR_MOBULA_INVALID_OPTION'));
  await get(refs);
});

test('asCompleted: those that are there, then the others as they come', limit, async () => {
  const slow = sleep.remote(60);
  const refs = [slow, put(1), sleep.remote(20), put(2)];
  const seen: number[] = [];
  for await (const ref of asCompleted(refs)) seen.push(refs.indexOf(ref));
  assert.deepEqual(seen, [1, 3, 2, 0]);
  const endless = sleep.remote(60_000);
  for await (const ref of asCompleted([endless, put(3)])) {
    assert.equal(await get(ref), 3);
    break;
  }
  await cancel(endless, { force: true });
  await until(() => availableResources()['CPU'] === 2);
});

test('asCompleted of many that are there', limit, async () => {
  const refs = Array.from({ length: 50_000 }, (_, i) => put(i));
  let next = 0;
  for await (const ref of asCompleted(refs)) assert.equal(ref, refs[next++]);
  assert.equal(next, refs.length);
});

test('put, allocate, cancel', limit, async () => {
  const floats = allocate(Float32Array, 100_000);
  const ref = put(floats.fill(2));
  assert.equal(floats.length, 0);
  assert.equal((await get(ref))[99_999], 2);
  const cancelled = sleep.remote(60_000);
  await cancel(cancelled, { force: true });
  await until(() => availableResources()['CPU'] === 2);
  await assert.rejects(get(cancelled), TaskCancelledError);
  await assert.rejects(cancel(cancelled, { force: 1 as never }), coded('ERR_MOBULA_INVALID_OPTION'));
  await assert.rejects(kill(Counter.remote(), { noRestart: 1 as never }), coded('ERR_MOBULA_INVALID_OPTION'));
  await assert.rejects(kill({}), coded('ERR_MOBULA_INVALID_ARGUMENT'));
});

// ---- the cluster -----------------------------------------------------------------------------------------------

test('nodes() is the same in every thread', limit, async () => {
  const all = nodes();
  const { nodeId } = context();
  assert.deepEqual(all, [
    {
      nodeId,
      alive: true,
      driver: true,
      host: hostname(),
      pid: process.pid,
      resources: clusterResources(),
      labels: { zone: 'a' },
    },
  ]);
  assert.deepEqual(await get(remote(() => nodes()).remote()), all);
  await until(() => availableResources()['CPU'] === 2);
});

test('context() in the driver, in a task and in an actor', limit, async () => {
  const driver = context();
  assert.deepEqual(
    [driver.taskId, driver.taskName, driver.attempt, driver.actorId, driver.signal, driver.replaying],
    [undefined, undefined, undefined, undefined, undefined, false],
  );
  const look = remote(() => {
    const { jobId, nodeId, workerId, taskId, attempt, actorId, replaying, signal } = context();
    return { jobId, nodeId, workerId, taskId, attempt, actorId, replaying, aborted: signal?.aborted };
  });
  const { workerId, taskId, ...rest } = await get(look.remote());
  const { jobId, nodeId } = driver;
  assert.deepEqual(rest, { jobId, nodeId, attempt: 1, actorId: undefined, replaying: false, aborted: false });
  assert.notEqual(workerId, driver.workerId);
  assert.match(String(taskId), /^[0-9a-f]{32}$/);
});

// ---- errors ----------------------------------------------------------------------------------------------------

const errorClasses = [
  'TaskError',
  'ActorDiedError',
  'WorkerDiedError',
  'TaskTimeoutError',
  'GetTimeoutError',
  'TaskCancelledError',
  'ObjectLostError',
  'ObjectStoreFullError',
  'DeadlockError',
  'ControlStoreUnavailableError',
  'ControlStoreDataLossError',
  'ClusterStateLostError',
  'UnschedulableError',
  'ActorNameTakenError',
  'NodeDiedError',
  'SerializationError',
  'CaptureError',
  'PendingCallsLimitError',
  'RuntimeClosedError',
] as const;

for (const name of errorClasses) {
  test(`${name} is exported, and travels as what it is`, limit, async () => {
    // biome-ignore lint/performance/noDynamicNamespaceImportAccess: nothing is bundled here
    const ErrorClass = mobula[name] as unknown as (new (...args: unknown[]) => MobulaError) & { from?: unknown };
    assert.ok(Object.prototype.isPrototypeOf.call(MobulaError.prototype, ErrorClass.prototype));
    const origin = { taskName: 't', nodeId: 'n', attempt: 1 };
    const error =
      name === 'TaskError'
        ? TaskError.from(new Error('x'), origin)
        : Reflect.construct(ErrorClass, name === 'SerializationError' ? ['a', 'b', 'c'] : ['It failed.', origin, []]);
    coded(error.code)(error);
    const back = await get(put(error));
    assert.ok(back instanceof ErrorClass, inspect(back));
    assert.deepEqual([back.name, back.code, back.message], [name, error.code, error.message]);
  });
}

test('every public name of the API is exported', limit, () => {
  const names = [
    ...['init', 'shutdown', 'isInitialized', 'Runtime', 'remote', 'getActor', 'kill', 'put', 'allocate', 'get', 'wait'],
    ...['asCompleted', 'cancel', 'nodes', 'clusterResources', 'availableResources', 'context'],
    ...['ObjectRef', 'ObjectRefStream', 'MobulaError', ...errorClasses],
  ];
  assert.deepEqual(Object.keys(mobula).sort(), names.sort());
});

// ---- starting and stopping, once more --------------------------------------------------------------------------

const refusedByInit = [
  [{ address: '127.0.0.1:1', authToken: 'secret'.repeat(8) }, 'ERR_MOBULA_CONNECTION'],
  [{ authToken: 'secret' }, 'ERR_MOBULA_CLUSTER'],
  [{ env: { A: '1' } }, 'ERR_MOBULA_NOT_BUILT'],
  [{ workingDir: '/' }, 'ERR_MOBULA_NOT_BUILT'],
  [{ infeasibleAfterMs: 5 }, 'ERR_MOBULA_CLUSTER'],
  [{ isolation: 'process' }, 'ERR_MOBULA_NOT_BUILT'],
  [{ processes: 2 }, 'ERR_MOBULA_NOT_BUILT'],
  [{ isolation: 'vm' }, 'ERR_MOBULA_INVALID_OPTION'],
  [{ labels: { a: 1 } }, 'ERR_MOBULA_INVALID_OPTION'],
  [{ labels: 'a' }, 'ERR_MOBULA_INVALID_OPTION'],
  [{ logger: {} }, 'ERR_MOBULA_INVALID_OPTION'],
  [{ numCPUs: 1 }, 'ERR_MOBULA_INVALID_OPTION'],
] as const;

test('init() ignores no option', limit, async () => {
  const ref = put(1);
  await shutdown();
  assert.equal(inspect(ref), 'ObjectRef(released)');
  for (const [options, code] of refusedByInit) {
    await assert.rejects(init(options as object), (error) => {
      assert.ok(!String(error).includes('secret'));
      return coded(code)(error);
    });
    assert.equal(isInitialized(), false);
  }
  await init({ isolation: 'thread', logger: console, namespace: 'n', numCpus: 2 });
  assert.equal(context().namespace, 'n');
});
