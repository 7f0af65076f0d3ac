// Remote functions, actor handles, refs and streams: captured, passed and returned; and the options of calls.
import { CaptureError, context, get, kill, MobulaError, ObjectRef, put, remote, TaskError, wait } from 'mobula';
import * as mobula from 'mobula';
import { may, must, mustEqual, type Program } from '../inside/program.ts';
import { Point, scale } from './lib/geometry.ts';
import { Adder, twice } from './lib/remotes.ts';

const BASE = 10;
const add = remote((a: number, b: number) => a + b);
const addBase = remote((x: number) => x + BASE);
const factorial = remote(async (n: number): Promise<number> => (n < 2 ? 1 : n * (await get(factorial.remote(n - 1)))));
const fibonacci = remote(async function fib(n: number): Promise<number> {
  if (n < 2) return n;
  const [a, b] = await get([fibonacci.remote(n - 1), fibonacci.remote(n - 2)]);
  return a + b;
});
const isEven = remote(async (n: number): Promise<boolean> => n === 0 || get(isOdd.remote(n - 1)));
const isOdd = remote(async (n: number): Promise<boolean> => n !== 0 && get(isEven.remote(n - 1)));
const count = remote(function* (n: number) {
  for (let i = 0; i < n; i++) yield i * BASE;
});
const fail = remote((message: string) => {
  throw Object.assign(new RangeError(message), { base: BASE });
});
const Counter = remote(
  class {
    n: number;
    constructor(n = 0) {
      this.n = n;
    }
    up(by = 1) {
      this.n += by;
      return this.n;
    }
  },
  { numCpus: 0 },
);
class Parent {
  async total(n: number) {
    return get(addBase.remote(n));
  }
}
const helpers = { add, nested: [addBase] };
async function addTwice(x: number) {
  return get(addBase.remote(await get(addBase.remote(x))));
}
const sum = async (refs: ObjectRef<number>[]) => (await get(refs)).reduce((a, b) => a + b, 0);

/** Kills a handle once `body` is done. */
async function using(handle: any, body: (handle: any) => Promise<unknown>) {
  try {
    return await body(handle);
  } finally {
    await kill(handle);
  }
}

export const programs: Program[] = [
  mustEqual('a remote function of the top level', () => 11, () => get(addBase.remote(1))),
  mustEqual('a captured remote function', () => 3, () => get(remote(async () => get(add.remote(1, 2))).remote())),
  mustEqual('a remote function in a helper', () => 21, () => get(remote((x: number) => addTwice(x)).remote(1))),
  mustEqual('remote functions in data', () => [3, 11], () =>
    get(remote(async () => [await get(helpers.add.remote(1, 2)), await get(helpers.nested[0]!.remote(1))]).remote())),
  mustEqual('a remote function that calls itself', () => 120, () => get(factorial.remote(5))),
  mustEqual('a remote function that calls itself twice', () => 8, () => get(fibonacci.remote(6))),
  mustEqual('remote functions that call one another', () => true, () => get(isEven.remote(4))),
  mustEqual('a remote function as an argument', () => 5, () => get(remote(async (f: any) => get(f.remote(2, 3))).remote(add as any)) as any),
  mustEqual('a remote function in an argument', () => 5, () => get(remote(async ({ f }: any) => get(f.remote(2, 3))).remote({ f: add })) as any),
  mustEqual('a remote function as a result', () => 7, async () => {
    const given: any = await get(remote(() => add as any).remote());
    return get(given.remote(3, 4));
  }),
  mustEqual('an imported remote function', () => 8, () => get(twice.remote(4))),
  mustEqual('an imported remote function, captured', () => 8, () => get(remote(async (x: number) => get(twice.remote(x))).remote(4))),
  mustEqual('an imported actor class', () => 6, () => using(Adder.remote(5), (adder) => get(adder.add.remote(1)) as any)),
  mustEqual('an imported actor class, captured', () => 6, () =>
    get(remote(async () => { const adder = Adder.remote(5); const value = await get(adder.add.remote(1)); await kill(adder); return value; }).remote())),
  mustEqual('a remote function made in a task', () => 9, () => get(remote(async (x: number) => get(remote((y: number) => y * y).remote(x))).remote(3))),
  mustEqual('a remote function made in a task, with captures', () => 23, () =>
    get(remote(async (x: number) => { const by = 10; return get(remote((y: number) => y + by + BASE).remote(x)); }).remote(3))),
  mustEqual('a remote function made in a task of an import', () => 6, () => get(remote(async (x: number) => get(remote(scale).remote(x, 2))).remote(3))),
  mustEqual('a closure of a factory, remote', () => [11, 12], async () => {
    const make = (by: number) => remote((x: number) => x + by);
    return get([make(1).remote(10), make(2).remote(10)]);
  }),
  mustEqual('a remote function named as the function expression', () => 6, () => {
    const sumTo = remote(async function sumTo(n: number): Promise<number> {
      return n === 0 ? 0 : n + (await sumToItself(n - 1));
    });
    const sumToItself = (n: number): Promise<number> => get(sumTo.remote(n)) as Promise<number>;
    return get(sumTo.remote(3));
  }),
  may('a function expression that calls remote on its own name', (call) => {
    if (!call.remotely) return 1;
    const down: any = remote(function down(n: number): any {
      return n === 0 ? 1 : get((down as any).remote(n - 1));
    });
    return get(down.remote(2));
  }),

  // Refs.
  mustEqual('a ref as an argument', () => 13, () => get(addBase.remote(put(3)))),
  mustEqual('the ref of a task as an argument', () => 31, () => get(addBase.remote(addBase.remote(addBase.remote(1))))),
  mustEqual('two refs as arguments', () => 21, () => get(add.remote(addBase.remote(1), put(10)))),
  mustEqual('one ref twice', () => [true, { a: 1 }], () => {
    const ref = put({ a: 1 });
    return get(remote((x: any, y: any) => [typeof x === typeof y, y]).remote(ref as any, ref as any)) as any;
  }),
  mustEqual('refs in an argument', () => 6, () => get(remote(({ refs }: any) => sum(refs)).remote({ refs: [put(1), put(2), put(3)] }))),
  mustEqual('a captured ref', () => [1, 2], () => {
    const ref = put([1, 2]);
    return get(remote(async () => get(ref)).remote());
  }),
  mustEqual('captured refs in data', () => 3, () => {
    const refs = { a: put(1), list: [put(2)] };
    return get(remote(async () => (await get(refs.a)) + (await get(refs.list[0]!))).remote());
  }),
  mustEqual('a ref as a result', () => 11, async () => get(await get(remote(() => addBase.remote(1)).remote() as any)) as any),
  mustEqual('refs in a result', () => [11, 12], async () => get((await get(remote(() => ({ refs: [addBase.remote(1), addBase.remote(2)] })).remote())).refs)),
  mustEqual('a ref of a value put in a task', () => ({ a: [1] }), async () => get((await get(remote(() => [put({ a: [1] })]).remote()))[0]!)),
  mustEqual('a ref in put', () => 5, async () => get((await get(put({ ref: put(5) }))).ref)),
  mustEqual('a ref is one in a worker', () => [true, false], () => get(remote(({ ref }: any) => [ref instanceof ObjectRef, {} instanceof (ObjectRef as any)]).remote({ ref: put(1) }))),
  mustEqual('wait in a task', () => [2, 0], () =>
    get(remote(async () => { const { ready, pending } = await wait([addBase.remote(1), addBase.remote(2)], { numReturns: 2 }); return [ready.length, pending.length]; }).remote())),
  mustEqual('several results', () => [1, [2], 'three'], () => get([...(remote(() => [1, [2], 'three'], { numReturns: 3 }).remote() as any)]) as any),
  mustEqual('a stream', () => [0, 10, 20], async () => { const seen = []; for await (const ref of count.remote(3)) seen.push(await get(ref)); return seen; }),
  mustEqual('a stream in a task', () => [0, 10], () =>
    get(remote(async () => { const seen: number[] = []; for await (const ref of count.remote(2)) seen.push(await get(ref)); return seen; }).remote())),

  // Actors.
  mustEqual('an actor', () => [1, 3], () => using(Counter.remote(), async (c) => [await get(c.up.remote()), await get(c.up.remote(2))])),
  mustEqual('a captured handle', () => 6, () => {
    const counter = Counter.remote(5);
    return using(counter, () => get(remote(async () => get(counter.up.remote())).remote()) as any);
  }),
  mustEqual('a handle as an argument', () => 6, () =>
    using(Counter.remote(5), (counter) => get(remote(async (c: any) => get(c.up.remote())).remote(counter)) as any)),
  mustEqual('a handle in an argument', () => 6, () =>
    using(Counter.remote(5), (counter) => get(remote(async ({ list: [c] }: any) => get(c.up.remote())).remote({ list: [counter] })) as any)),
  mustEqual('a handle as a result', () => 3, async () => {
    const counter: any = await get(remote(() => Counter.remote(2) as any).remote());
    return using(counter, (c) => get(c.up.remote()) as any);
  }),
  mustEqual('a captured actor class', () => 8, () =>
    get(remote(async () => { const counter = Counter.remote(7); const value = await get(counter.up.remote()); await kill(counter); return value; }).remote())),
  mustEqual('an actor that calls a remote function', () => 11, () => using(remote(Parent, { numCpus: 0 }).remote(), (p) => get(p.total.remote(1)) as any)),
  mustEqual('an actor that has a handle', () => 4, () => {
    class Holder {
      counter: any;
      constructor(counter: any) {
        this.counter = counter;
      }
      async up() {
        return get(this.counter.up.remote());
      }
    }
    return using(Counter.remote(3), (counter) => using(remote(Holder, { numCpus: 0 }).remote(counter), (h) => get(h.up.remote()) as any));
  }),
  mustEqual('a ref as an argument of an actor', () => 5, () => using(Counter.remote(put(2)), (c) => get(c.up.remote(put(3))) as any)),
  mustEqual('an actor of an imported class', () => 5, () => using(remote(Point, { numCpus: 0 }).remote(3, 4), (p) => get(p.length.remote()) as any)),

  // Errors.
  mustEqual('an error of a task within a task', () => ['TaskError', 'RangeError', 'inner', 10], () =>
    get(remote(async () => {
      try {
        await get(fail.remote('inner'));
        return 'no error';
      } catch (error: any) {
        return [error.name, error.cause.name, error.cause.message, error.cause.base];
      }
    }).remote()) as any),
  mustEqual('classes of errors in a task', () => [true, true, true], () =>
    get(remote(async () => {
      const error = await get(fail.remote('inner')).catch((caught: unknown) => caught);
      return [error instanceof TaskError, error instanceof MobulaError, error instanceof RangeError];
    }).remote()) as any),
  mustEqual('an argument that failed', () => ['TaskError', 'early', 'fail'], async () => {
    const error: any = await get(addBase.remote(fail.options({ name: 'fail' }).remote('early') as any)).catch((caught: unknown) => caught);
    return [error.name, error.cause.message, error.taskName];
  }),
  mustEqual('a refusal in a task', () => true, () =>
    get(remote(async () => {
      const weak = new WeakMap();
      try {
        await get(remote(() => weak.has({})).remote());
        return false;
      } catch (error) {
        return error instanceof CaptureError;
      }
    }).remote())),

  // mobula itself, captured.
  mustEqual('a namespace of mobula', () => 5, () => get(remote(async () => mobula.get(mobula.put(5))).remote())),
  mustEqual('the context of a task', () => ['string', true, 0], () =>
    get(remote(() => { const { taskId, attempt } = context(); return [typeof taskId, typeof context().workerId === 'string', attempt >= 0 ? 0 : 1]; }).remote()) as any),
  mustEqual('the same task id and attempts', () => 1, () => get(remote(() => new Set([context().taskId, context().taskId]).size).remote())),

  // Options.
  mustEqual('a name', () => ['TaskError', 'named'], async () => {
    const error: any = await get(fail.options({ name: 'named' }).remote('x')).catch((caught: unknown) => caught);
    return [error.name, error.taskName];
  }),
  mustEqual('the name of the function', () => 'breaks', async () => {
    const breaks = remote(function breaks() { throw new Error('x'); }, { name: 'breaks' });
    const error: any = await get(breaks.remote()).catch((caught: unknown) => caught);
    return error.taskName;
  }),
  mustEqual('options keep what is captured', () => [11, 11, 11], () =>
    get([addBase.options({ priority: 1 }).remote(1), addBase.options({ numCpus: 0.5 }).remote(1), addBase.options({ maxRetries: 0 }).remote(1)])),
  mustEqual('fractions of a CPU', () => [1, 2], () => get([add.options({ numCpus: 0.25 }).remote(0, 1), add.options({ numCpus: 0 }).remote(1, 1)])),
  mustEqual('a time limit that is not reached', () => 11, () => get(addBase.options({ timeoutMs: 60_000 }).remote(1))),
  mustEqual('a signal that is not aborted', () => 11, () => get(addBase.options({ signal: new AbortController().signal }).remote(1))),
  mustEqual('exceptions tried again', () => 'RangeError', async () => {
    const error: any = await get(fail.options({ retryExceptions: true, maxRetries: 2 }).remote('again')).catch((caught: unknown) => caught);
    return error.cause.name;
  }),
  mustEqual('options of a captured remote function', () => 11, () => {
    const quick = addBase.options({ priority: 2, name: 'quick' });
    return get(remote(async () => get(quick.remote(1))).remote());
  }),
  mustEqual('options in a task', () => 11, () => get(remote(async () => get(addBase.options({ name: 'inner' }).remote(1))).remote())),
  mustEqual('several results of a captured remote function', () => [1, 2], () => {
    const pair = remote((x: number) => [x, x + 1], { numReturns: 2 });
    return get(remote(async () => get([...(pair.remote(1) as any)])).remote()) as any;
  }),
  mustEqual('options of an actor', () => [1, 2], () =>
    using(Counter.options({ maxConcurrency: 4, maxRestarts: 1 }).remote(0), async (c) => [await get(c.up.remote()), await get(c.up.remote())])),
  must('a remote function with a default parameter', (call) => call((x: number, by = BASE) => x + by, 1)),
];
