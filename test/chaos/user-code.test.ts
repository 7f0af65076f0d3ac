import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import test from 'node:test';
import { get, init, remote, shutdown, TaskError } from 'mobula';
import { assertBack, footprint } from '../support/baseline.ts';
import { assertQuiet, limit, suite } from '../support/suite.ts';

suite();

const double = remote((n: number) => n * 2);

/** Ways to throw, and what the message must show. */
const thrown: readonly (readonly [what: string, body: () => unknown, shown: RegExp])[] = [
  ['undefined', () => raise(undefined), /it threw undefined/],
  ['null', () => raise(null), /it threw null/],
  ['a string', () => raise('plain'), /it threw "plain"/],
  ['a BigInt', () => raise(10n), /it threw 10/],
  ['a function', () => raise(() => 1), /cannot travel/],
  ['a symbol', () => raise(Symbol('mark')), /Symbol\(mark\)/],
  ['an object with a method', () => raise({ f() {} }), /it threw an object that is not an Error/],
  ['an error with a BigInt', () => raise(Object.assign(new Error('big'), { size: 1n })), /big/],
  ['an error with a function', () => raise(Object.assign(new Error('holds'), { f() {} })), /holds/],
  ['a frozen error', () => raise(Object.freeze(new TypeError('frozen'))), /frozen/],
  ['an error without a stack', () => raise(withoutStack()), /no stack/],
  ['an error that is its own cause', () => raise(selfCaused()), /circle/],
  ['an error whose property throws', () => raise(withGetter('x')), /getter/],
  ['an error whose message throws', () => raise(withGetter('message')), /cannot travel: reading it throws/],
  ['a proxy all of whose traps throw', () => raise(hostileProxy()), /cannot travel: an object that fails to be read/],
  ['a rejection with a string', () => Promise.reject('turned down'), /turned down/],
  ['a thenable that throws', () => thenable(), /in then/],
];

function raise(value: unknown): never {
  throw value;
}

function withoutStack(): Error {
  const error = new Error('no stack');
  delete error.stack;
  return error;
}

function selfCaused(): Error {
  const error = new Error('circle');
  error.cause = error;
  return error;
}

function withGetter(name: string): Error {
  const get = (): never => raise(new Error('inner'));
  return Object.defineProperty(new Error('getter'), name, { enumerable: true, get });
}

function hostileProxy(): object {
  const trap = (): never => raise(new Error('trap'));
  return new Proxy({}, { get: trap, ownKeys: trap, getPrototypeOf: trap });
}

function thenable(): PromiseLike<void> {
  // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
  return { then: () => raise(new Error('in then')) };
}

for (const [what, body, shown] of thrown) {
  test(`throwing ${what} is a TaskError, and the next task runs`, limit, async () => {
    await assert.rejects(get(remote(body, { name: 'thrower' }).remote()), (error) => {
      assert.ok(error instanceof TaskError, String(error));
      assert.match(error.message, shown);
      assert.equal(error.taskName, 'thrower');
      return true;
    });
    assert.equal(await get(double.remote(4)), 8);
  });
}

test('recursion without end is a RangeError of the task', limit, async () => {
  const deep = remote(() => {
    const down = (n: number): number => down(n + 1) + 1;
    return down(0);
  });
  await assert.rejects(get(deep.remote()), (error) => error instanceof TaskError && error instanceof RangeError);
  assert.equal(await get(double.remote(1)), 2);
});

const unsendable: readonly (readonly [what: string, body: () => unknown, named: RegExp])[] = [
  ['a function', () => () => 1, /result is an anonymous function/],
  ['a function deep inside', () => ({ list: [{ callback() {} }] }), /result\.list\[0\]\.callback/],
  ['a WeakMap', () => new WeakMap(), /result is a WeakMap/],
  [
    'a getter that throws',
    () => ({
      get field() {
        return raise(new Error('in the getter'));
      },
    }),
    /in the getter/,
  ],
  ['something nested a million deep', () => nested(1e6), /nested more than 1000 levels deep/],
  ['a stream', () => process.stdout, /instance of class/],
];

function nested(levels: number): unknown {
  let value: unknown = [];
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

for (const [what, body, named] of unsendable) {
  test(`a result that holds ${what} fails its task by name`, limit, async () => {
    await assert.rejects(
      get(remote(body).remote()),
      (error) => error instanceof TaskError && named.test(error.message),
    );
    assert.equal(await get(double.remote(2)), 4);
  });
}

test('timers and sockets that tasks leave behind keep neither the runtime nor its threads', limit, async () => {
  await shutdown();
  const before = footprint();
  await init({ numCpus: 2, objectStoreMemory: '32MiB' });
  const leave = remote(async () => {
    setInterval(() => undefined, 10);
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    return server.listening;
  });
  assert.deepEqual(await get(Array.from({ length: 8 }, () => leave.remote())), new Array(8).fill(true));
  await assertQuiet();
  await shutdown();
  await assertBack(before);
  await init({ numCpus: 2, objectStoreMemory: '256MiB' });
});
