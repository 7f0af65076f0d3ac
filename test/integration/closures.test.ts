import assert from 'node:assert/strict';
import { basename } from 'node:path';
import test from 'node:test';
import { CaptureError, get, put, remote } from 'mobula';
import { limit, suite } from '../support/suite.ts';
import { until } from '../support/until.ts';

suite({ numCpus: 2, objectStoreMemory: '64MiB' }, 'any');

const FACTOR = 3;
const table = new Map([['a', 1]]);
const large = new Float64Array(100_000).fill(1.5);
const stored = put(11);
const triple = (n: number): number => n * FACTOR;
class Point {
  readonly x: number;
  constructor(x: number) {
    this.x = x;
  }
  static from(x: number): Point {
    return new Point(x);
  }
  twice(): number {
    return triple(this.x) * 2;
  }
}
const square = remote((n: number) => n * n);
const factorial = remote(async (n: number): Promise<number> => (n <= 1 ? 1 : n * (await get(factorial.remote(n - 1)))));
const isEven: (n: number) => boolean = (n) => n === 0 || isOdd(n - 1);
const isOdd: (n: number) => boolean = (n) => n !== 0 && isEven(n - 1);

test('constants, helpers, classes and imports of the file', limit, async () => {
  const use = remote((n: number) => [triple(n), Point.from(n).twice(), table.get('a'), basename('/a/b'), typeof until]);
  assert.deepEqual(await get(use.remote(2)), [6, 12, 1, 'b', 'function']);
});

test('a large captured array', limit, async () => {
  const total = remote(() => large.reduce((a, b) => a + b, 0));
  assert.deepEqual(await get([total.remote(), total.remote()]), [150_000, 150_000]);
});

test('variables of the enclosing function', limit, async () => {
  const make =
    (by: number): ((n: number) => number) =>
    (n) =>
      n + by;
  const shifts = [1, 2, 3].map((by) => remote(make(by)));
  assert.deepEqual(await get(shifts.map((shift) => shift.remote(10))), [11, 12, 13]);
});

test('other remote functions, refs and recursion', limit, async () => {
  const use = remote(async (n: number) => (await get(square.remote(n))) + (await get(stored)));
  assert.equal(await get(use.remote(4)), 27);
  assert.equal(await get(factorial.remote(10)), 3_628_800);
  assert.equal(await get(remote((n: number) => isEven(n)).remote(100)), true);
});

test('a remote function as an argument and as a result', limit, async () => {
  const apply = remote(async (f: typeof square, n: number) => get(f.remote(n)));
  assert.equal(await get(apply.remote(square, 6)), 36);
  const give = remote(() => square);
  const given = await get(give.remote());
  assert.equal(await get(given.remote(7)), 49);
  assert.equal(await get(given.options({ name: 'other' }).remote(8)), 64);
});

test('options made in another thread keep what was set before', limit, async () => {
  const named = remote(
    () => {
      throw new Error('x');
    },
    { name: 'known' },
  );
  const use = remote(async (f: typeof named) =>
    get(f.options({ numCpus: 0.5 }).remote()).catch((error: unknown) => (error as { taskName: string }).taskName),
  );
  assert.equal(await get(use.remote(named)), 'known');
});

test('what a function may not capture is refused at the call, by name', limit, async () => {
  let changes = 0;
  const counting = remote(() => changes);
  changes++;
  changes++;
  assert.throws(
    () => counting.remote(),
    (error) => error instanceof CaptureError && error.variable === 'changes',
  );
  const socket = new WeakMap();
  const opaque = remote(() => socket);
  for (let i = 0; i < 2; i++) {
    assert.throws(
      () => opaque.remote(),
      (error) => error instanceof CaptureError && /socket/.test(error.message),
    );
  }
  assert.throws(() => remote(Math.max).remote(1, 2), CaptureError);
  assert.equal(await get(square.remote(3)), 9);
});

test('a captured value is a copy made at the first call', limit, async () => {
  const box = { n: 1 };
  const look = remote(() => box.n);
  assert.equal(await get(look.remote()), 1);
  box.n = 2;
  assert.equal(await get(look.remote()), 1);
});

test('a class with a base class, statics and private members as an actor', limit, async () => {
  class Base {
    protected readonly base = FACTOR;
  }
  const Derived = remote(
    class extends Base {
      static readonly unit = 100;
      #own = 1;
      total(): number {
        return this.base + this.#own + triple(1) + new Point(1).x;
      }
    },
  );
  assert.equal(await get(Derived.remote().total.remote()), 8);
});

test('code that cannot travel is refused whatever the options, at every call', limit, () => {
  const socket = new (class Socket {
    readonly open = true;
  })();
  const broken = remote(() => socket.open);
  assert.throws(() => broken.remote(), CaptureError);
  assert.throws(() => broken.options({ numCpus: 0.5 }).remote(), CaptureError);
  assert.throws(() => broken.remote(), CaptureError);
});
