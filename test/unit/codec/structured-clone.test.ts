import assert from 'node:assert/strict';
import test from 'node:test';
import { types } from 'node:util';
import { runInNewContext } from 'node:vm';
import { roundTrip } from './support.ts';

type Sized = new (length: number, options: { maxByteLength: number }) => ArrayBuffer & { resize(to: number): void };
const Resizable = ArrayBuffer as unknown as Sized;
const { Float16Array: Float16 } = globalThis as { Float16Array?: new (from: number[]) => ArrayBufferView };

/** Of `length` places only the one at `place` is no hole. */
function holed(length: number, place: number): unknown[] {
  const array: unknown[] = [];
  array.length = length;
  array[place] = 1;
  return array;
}

const shared = { n: 1 };
const buffer = Float64Array.of(1, 2, 3, 4).buffer;
const loop: Record<string, unknown> = { list: [] };
loop['self'] = loop;
(loop['list'] as unknown[]).push(loop, loop['list']);
const sparse = Object.assign(holed(3, 1), { extra: 1, '-1': 2, '01': 3 });
sparse.length = 9;
const far: unknown[] = [];
far[4_294_967_290] = 'far';
const scattered: unknown[] = [];
for (let i = 0; i < 500; i++) scattered[i * 97] = i % 3 === 0 ? undefined : { i };
const selfKeyed = new Map<unknown, unknown>([['a', 1]]);
selfKeyed.set(selfKeyed, new Set([selfKeyed]));

/** Values of every kind that structuredClone carries. */
const values: Readonly<Record<string, unknown>> = {
  primitives: [
    undefined,
    null,
    true,
    false,
    0,
    -0,
    1.5,
    NaN,
    Infinity,
    2 ** 53,
    -(2 ** 31),
    2 ** 31,
    -33,
    -32,
    127,
    128,
  ],
  bigints: [0n, -1n, 255n, 256n, 1n << 64n, -(1n << 191n), 1n << 192n, -(1n << 2000n) + 17n],
  strings: [
    '',
    'a',
    'é',
    'ÿĀ',
    '\ud800',
    '😀',
    'x'.repeat(31),
    'x'.repeat(32),
    'x'.repeat(70_000),
    '\u1234'.repeat(40),
  ],
  boxed: [Object(1), Object(-0), Object(''), Object('text'), Object(true), Object(5n)],
  dates: [new Date(0), new Date(-1), new Date(Number.NaN), new Date(8.64e15)],
  patterns: [/a/, /[/\]]+/dgimsuy, /(?:)/, /\n/, Object.assign(/a/g, { lastIndex: 3 })],
  objects: [{}, { a: 1 }, { '': 1, 2: 3, a: undefined }, JSON.parse('{"__proto__": {"a": 1}}'), Object.create(null)],
  getters: {
    get a() {
      return { b: 1 };
    },
  },
  hidden: Object.defineProperty({ seen: 1 }, 'unseen', { value: 1, enumerable: false }),
  arrays: [
    [],
    [1, 2],
    [1.5, 2],
    [0.5, undefined, 2.5],
    Array(20),
    holed(2, 0),
    holed(2, 1),
    Array.from({ length: 300 }, (_, i) => i),
  ],
  sparse,
  far,
  scattered,
  maps: [
    new Map(),
    new Map<unknown, unknown>([
      [NaN, 1],
      [-0, 2],
      [{}, {}],
      [new Map(), undefined],
    ]),
  ],
  sets: [new Set(), new Set<unknown>([NaN, 0, 'a', {}, [1]])],
  selfKeyed,
  loop,
  identity: [shared, { shared }, new Map([[shared, shared]]), new Set([shared])],
  buffers: [
    new ArrayBuffer(0),
    buffer,
    new Uint8Array(buffer, 3, 5),
    new DataView(buffer, 1, 9),
    new Float64Array(buffer),
  ],
  typed: [
    ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array].map((C) =>
      C.of(1, 250),
    ),
    ...[Float32Array, Float64Array].map((C) => C.of(-0, NaN, 1.5)),
    ...[BigInt64Array, BigUint64Array].map((C) => C.of(1n, 1n << 63n)),
    ...(Float16 === undefined ? [] : [new Float16([1.5, -0, 65504])]),
  ],
  resizable: new Resizable(8, { maxByteLength: 64 }),
  tracking: new Int16Array(new Resizable(8, { maxByteLength: 64 }), 2),
  errors: [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map(
    (C) => new C('m', { cause: [new C('inner'), 'c'] }),
  ),
  realms: runInNewContext('[{ a: 1 }, [1, , 2], new Map([[1, 2]]), new Set([1]), new Date(5), /a/g, Object(1)]'),
};

/** What a built-in object has inside: facts that can be compared as they are. */
function inside(value: object): unknown[] {
  if (types.isDate(value)) return [value.getTime()];
  if (types.isRegExp(value)) return [value.source, value.flags, value.lastIndex];
  if (types.isAnyArrayBuffer(value)) {
    return [Reflect.get(value, 'resizable'), Reflect.get(value, 'maxByteLength'), ...new Uint8Array(value)];
  }
  if (ArrayBuffer.isView(value)) {
    return [value.byteLength, ...new Uint8Array(value.buffer, value.byteOffset, value.byteLength)];
  }
  return Array.isArray(value) ? [value.length] : [];
}

/** What it holds: values that are looked at in turn. */
function held(value: object): unknown[] {
  if (types.isBoxedPrimitive(value)) return [value.valueOf()];
  if (types.isMap(value)) return [...value].flat();
  if (types.isSet(value)) return [...value];
  if (types.isNativeError(value)) return ['message', 'stack', 'cause'].map((key) => Reflect.get(value, key));
  return [];
}

/** What can be seen of a value: kind, prototype, keys, contents, and which objects are one. */
function seen(root: unknown): unknown[] {
  const known = new Map<object, number>();
  const facts: unknown[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) {
      facts.push(Object.is(value, -0) ? '-0' : value);
      return;
    }
    const before = known.get(value);
    facts.push(before ?? Object.prototype.toString.call(value));
    if (before !== undefined) return;
    known.set(value, known.size);
    facts.push(Object.getPrototypeOf(value), ...inside(value));
    held(value).forEach(visit);
    if (ArrayBuffer.isView(value)) return;
    for (const key of Object.keys(value)) {
      facts.push(key);
      visit(Reflect.get(value, key));
    }
  };
  visit(root);
  return facts;
}

for (const [name, value] of Object.entries(values)) {
  test(`what arrives is what structuredClone makes: ${name}`, () => {
    const expected = seen(structuredClone(value));
    // Often enough for shapes to be learnt and code to be made for them.
    for (let i = 0; i < 20; i++) assert.deepStrictEqual(seen(roundTrip(value)), expected);
    if (Array.isArray(value) && name !== 'far')
      for (const part of value) assert.deepStrictEqual(seen(roundTrip(part)), seen(structuredClone(part)));
  });
}

test('a view that tracks its length still does, as after structuredClone', () => {
  for (const copy of [structuredClone, roundTrip].map((c) => c(values['tracking']) as Int16Array)) {
    (copy.buffer as unknown as { resize(to: number): void }).resize(20);
    assert.equal(copy.length, 9);
  }
});

test('what structuredClone refuses is refused', () => {
  const refused = [
    () => 1,
    Symbol('s'),
    new WeakMap(),
    new WeakRef({}),
    Promise.resolve(),
    function* () {},
    Object(Symbol('s')),
  ];
  for (const value of refused) {
    assert.throws(() => structuredClone([value]));
    assert.throws(() => roundTrip([value]), { code: 'ERR_MOBULA_SERIALIZATION', path: 'value[0]' });
  }
});
