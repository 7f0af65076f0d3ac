import assert from 'node:assert/strict';
import test from 'node:test';
import vm from 'node:vm';
import { roundTrip } from './support.ts';

/** An array of `length` with elements at `places` only. */
function holes(length: number, ...places: number[]): unknown[] {
  const array: unknown[] = new Array(length);
  for (const place of places) array[place] = `at ${place}`;
  return array;
}

const values: Record<string, unknown> = {
  undefined: undefined,
  null: null,
  true: true,
  false: false,
  'ints around every width': [
    0,
    1,
    -1,
    127,
    128,
    -32,
    -33,
    32767,
    32768,
    -32768,
    -32769,
    2 ** 31 - 1,
    2 ** 31,
    -(2 ** 31),
  ],
  'ints beyond 32 bits': [2 ** 32, Number.MAX_SAFE_INTEGER, -(2 ** 31) - 1, 2 ** 60],
  fractions: [0.5, -1.25, Number.MIN_VALUE, Number.MAX_VALUE, Math.PI],
  'special numbers': [-0, Number.NaN, Infinity, -Infinity],
  bigints: [0n, 1n, -1n, 255n, 256n, -(2n ** 64n), 2n ** 2000n],
  'empty string': '',
  'ascii of every length': Array.from({ length: 70 }, (_, n) => 'abcdefghij'.repeat(7).slice(0, n)),
  'long ascii': 'x'.repeat(100_000),
  latin1: ['é', 'ÿ'.repeat(40), '\u0000\u0080\u00ff'],
  'beyond latin1': ['Ā', '日本語', '日本語'.repeat(50), '👍', `${'a'.repeat(100)}👍`],
  'lone surrogates': ['\ud800', 'a\udc00b', '\ud800'.repeat(50)],
  'empty containers': [[], {}, new Map(), new Set()],
  'nested containers': { a: [{ b: { c: [[[]]] } }], d: new Map([['k', new Set([[1]])]]) },
  'array lengths': [15, 16, 17, 1000].map((length) => Array.from({ length }, (_, i) => `e${i}`)),
  'number blocks': [Array.from({ length: 100 }, (_, i) => i * 1.5), [0.5, -0, Number.NaN, 3, 4, 5.5, Infinity]],
  'numbers that turn out mixed': [0.5, 1, 2, 3, 4, 'five', 6.5],
  holes: [holes(2, 1), holes(3, 0, 2), holes(4, 0), Object.assign(holes(3), [undefined])],
  'a run of holes': Object.assign(new Array(500), { 0: 'a', 300: 'b' }),
  'nothing but holes': new Array(70),
  'a huge sparse array': Object.assign([], { 4000000000: 'far' }),
  'keys on an array': Object.assign([1, 2], { x: 1, '-1': 2, '01': 3, length2: {} }),
  'keys on a long array': Object.assign(
    Array.from({ length: 500 }, (_, i) => i),
    { extra: [1] },
  ),
  'keys on an array with holes': Object.assign(new Array(5), { 2: 'a', extra: 1 }),
  'a match': /(?<word>\w+)/.exec('hello world'),
  'odd keys': {
    '': 1,
    'a-b': 2,
    '"': 3,
    '\n': 4,
    '\u2028': 5,
    0: 6,
    日: 7,
    '\ud800': 8,
    constructor: 9,
    hasOwnProperty: 10,
  },
  'many keys': Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`key${i}`, i])),
  map: new Map<unknown, unknown>([
    [1, 'a'],
    ['k', { v: 1 }],
    [{ key: true }, [1]],
    [Number.NaN, -0],
    [undefined, null],
  ]),
  set: new Set<unknown>([1, 'a', undefined, { a: 1 }, [2]]),
  dates: [new Date(0), new Date(1.7e12), new Date(-1)],
  regexps: [/a/, /[/\\]+(?<n>\d)\n/giu, /(?:)/, /\u{1f44d}/dsuy],
  boxed: [Object(1), Object(-0), Object('abc'), Object(''), Object(true), Object(false), Object(7n)],
};

for (const [name, value] of Object.entries(values)) {
  test(`keeps ${name}`, () => {
    assert.deepStrictEqual(roundTrip(value), structuredClone(value));
    // In an object, and often enough for generated code to take over.
    for (let k = 0; k < 20; k++)
      assert.deepStrictEqual(roundTrip({ a: value, b: 1 }), structuredClone({ a: value, b: 1 }));
  });
}

test('keeps an invalid date', () => {
  assert.equal(roundTrip(new Date(Number.NaN)).getTime(), Number.NaN);
});

test('keeps cycles and shared identity', () => {
  type Node = { name: string; self?: Node; list?: Node[]; map?: Map<Node, Node>; set?: Set<Node> };
  const node: Node = { name: 'n' };
  node.self = node;
  node.list = [node, node];
  node.map = new Map([[node, node]]);
  node.set = new Set([node]);
  const copy = roundTrip(node);
  assert.equal(copy.self, copy);
  assert.deepEqual(
    copy.list?.map((entry) => entry === copy),
    [true, true],
  );
  assert.equal(copy.map?.get(copy), copy);
  assert.ok(copy.set?.has(copy));
});

test('keeps shared identity among many objects and of every kind', () => {
  const shared = [new Date(1), /a/, Object('s'), new Error('e'), new Map(), new Set(), [1], {}, Buffer.from('b')];
  const many = Array.from({ length: 100 }, (_, i) => ({ i }));
  const copy = roundTrip([...shared, ...many, ...shared, ...many]);
  const half = shared.length + many.length;
  for (let i = 0; i < half; i++) assert.equal(copy[i], copy[i + half], `entry ${i}`);
  assert.equal(new Set(copy).size, half);
});

test('the same value twice in a row shares nothing', () => {
  const value = { a: [1] };
  assert.notEqual(roundTrip(value), roundTrip(value));
  assert.deepStrictEqual(roundTrip(value), value);
});

test('an own __proto__ key stays a key', () => {
  const value: unknown = JSON.parse('{"__proto__": {"polluted": true}, "a": 1}');
  for (let k = 0; k < 40; k++) {
    const copy = roundTrip(value) as object;
    assert.equal(Object.getPrototypeOf(copy), Object.prototype);
    assert.deepEqual(Object.keys(copy), ['__proto__', 'a']);
    assert.equal(Reflect.get(copy, 'polluted'), undefined);
  }
});

test('an object without a prototype arrives as a plain one', () => {
  assert.deepStrictEqual(roundTrip(Object.assign(Object.create(null), { a: 1 })), { a: 1 });
});

test('getters are read once; hidden and inherited properties stay behind', () => {
  let reads = 0;
  const value = Object.defineProperty(
    {
      get a() {
        return ++reads;
      },
    },
    'hidden',
    { value: 1 },
  );
  assert.deepStrictEqual(roundTrip(value), { a: 1 });
  assert.equal(reads, 1);
});

test('what a getter throws is what the caller sees', () => {
  const value = {
    get a() {
      throw new RangeError('mine');
    },
  };
  assert.throws(() => roundTrip(value), { name: 'RangeError', message: 'mine' });
});

test('a getter may send a value of its own', () => {
  const value = {
    a: {
      get inner() {
        return roundTrip([1, { b: 2 }]);
      },
    },
    c: 3,
  };
  assert.deepStrictEqual(roundTrip(value), { a: { inner: [1, { b: 2 }] }, c: 3 });
});

test('an array that a getter shortens arrives with holes', () => {
  const value: unknown[] = [1, 2, 3, 4];
  Object.defineProperty(value, 1, {
    enumerable: true,
    get() {
      value.length = 2;
      return 'short';
    },
  });
  assert.deepStrictEqual(roundTrip(value), Object.assign(new Array(4), [1, 'short']));
});

test('takes values of another realm', () => {
  const foreign: unknown = vm.runInNewContext(`({
    list: [1, [2]], map: new Map([[1, { a: 1 }]]), set: new Set([1]), date: new Date(5), pattern: /a/g, boxed: Object('s'),
    bytes: new Uint8Array([1, 2]), buffer: new ArrayBuffer(3), view: new DataView(new ArrayBuffer(4)), bare: Object.create(null),
    error: new TypeError('bad'),
  })`);
  const copy = roundTrip(foreign) as Record<string, unknown>;
  assert.deepStrictEqual(
    { ...copy, error: 0 },
    {
      list: [1, [2]],
      map: new Map([[1, { a: 1 }]]),
      set: new Set([1]),
      date: new Date(5),
      pattern: /a/g,
      boxed: Object('s'),
      bytes: new Uint8Array([1, 2]),
      buffer: new ArrayBuffer(3),
      view: new DataView(new ArrayBuffer(4)),
      bare: {},
      error: 0,
    },
  );
  assert.ok(copy['error'] instanceof TypeError);
  assert.equal(copy['error'].message, 'bad');
});
