import assert from 'node:assert/strict';
import test from 'node:test';
import { SerializationError } from '../../../src/common/errors.ts';
import { decodeBytes, encode, encodeToBytes } from '../../../src/store/codec/index.ts';
import { encodeHooks, restlessWriter } from './support.ts';

class Point {
  x = 1;
}
class Rows extends Array<number> {}
class Table extends Map<string, number> {}
class Bytes extends Uint8Array {}
const mark = Symbol('mark');
const nothing = (): void => {};

const refused: readonly [value: unknown, path: string, says: RegExp][] = [
  [nothing, 'args[0]', /function nothing.*remote\(\)/],
  [() => 1, 'args[0]', /anonymous function/],
  [Symbol('s'), 'args[0]', /symbol \(Symbol\(s\)\)/],
  [Object(Symbol('s')), 'args[0]', /symbol/],
  [{ callback: nothing }, 'args[0].callback', /function/],
  [{ rows: [1, 2, 3, { close: nothing }] }, 'args[0].rows[3].close', /function/],
  [{ 'a-b': { '': nothing } }, 'args[0]["a-b"][""]', /function/],
  [{ 日: nothing }, 'args[0].日', /function/],
  [new Map([['k', nothing]]), 'args[0].get("k")', /function/],
  [new Map<unknown, unknown>([[7, { a: nothing }]]), 'args[0].get(7).a', /function/],
  [new Map<unknown, unknown>([[{}, nothing]]), 'args[0].get({…})', /function/],
  [
    new Map<unknown, unknown>([
      [1, 1],
      [nothing, 2],
    ]),
    'args[0].keys()[1]',
    /function/,
  ],
  [new Set<unknown>([1, [nothing]]), 'args[0].values()[1][0]', /function/],
  [Object.assign([1], { extra: nothing }), 'args[0].extra', /function/],
  [new Point(), 'args[0]', /class Point.*plain object/],
  [{ p: [new Point()] }, 'args[0].p[0]', /class Point/],
  [Object.create({ inherited: 1 }), 'args[0]', /class Object/],
  [new Rows(), 'args[0]', /class Rows/],
  [new Table(), 'args[0]', /class Table/],
  [new Bytes(2), 'args[0]', /class Bytes/],
  [Promise.resolve(1), 'args[0]', /Promise.*Await/],
  [new Proxy({ a: 1 }, {}), 'args[0]', /is a Proxy.*copy/],
  [{ rows: [1, new Proxy([1], {})] }, 'args[0].rows[1]', /is a Proxy/],
  [new Map([['k', { p: new Proxy(Object.create(null) as object, {}) }]]), 'args[0].get("k").p', /is a Proxy/],
  [new WeakMap(), 'args[0]', /WeakMap/],
  [new WeakSet(), 'args[0]', /WeakSet/],
  [new WeakRef({}), 'args[0]', /WeakRef/],
  [new URL('http://a.b'), 'args[0]', /class URL/],
  // Without a prototype above it, and with a method that Object.prototype has as well, it is still no plain object.
  [Object.create(Object.create(null, { hasOwnProperty: { value: () => true } }) as object), 'args[0]', /instance/],
  [(function* () {})(), 'args[0]', /generator.*function\*/],
  [{ a: { [mark]: 1 } }, 'args[0].a[Symbol(mark)]', /symbol/],
  [[Object.assign([1], { [mark]: 1 })], 'args[0][0][Symbol(mark)]', /symbol/],
  [Math, 'args[0][Symbol(Symbol.toStringTag)]', /symbol/],
  [Object.assign(new Error('e'), { [mark]: 1 }), 'args[0][Symbol(mark)]', /symbol/],
  [new Error('e', { cause: nothing }), 'args[0].cause', /function/],
  [Object.assign(new Error('e'), { retry: nothing }), 'args[0].retry', /function/],
  [new AggregateError([1, nothing]), 'args[0].errors[1]', /function/],
  [Object.assign(new Map(), { extra: 1 }), 'args[0].extra', /type Map/],
  [Object.assign(new Date(), { extra: 1 }), 'args[0].extra', /type Date/],
  [Object.assign(Object('str'), { extra: 1 }), 'args[0].extra', /type String/],
  [Object.assign(new Uint8Array(2), { shape: [1, 2] }), 'args[0].shape', /type Uint8Array/],
  [Object.assign(new Float32Array(999), { shape: [1, 2] }), 'args[0].shape', /type Float32Array/],
  [Object.assign(Buffer.alloc(999), { extra: 1 }), 'args[0].extra', /type Uint8Array/],
  [Object.assign(new ArrayBuffer(2), { [mark]: 1 }), 'args[0][Symbol(mark)]', /type ArrayBuffer/],
];

for (const [value, path, says] of refused) {
  test(`refuses ${path}: ${says.source}`, () => {
    assert.throws(
      () => encodeToBytes(value, {}, 'args[0]'),
      (error) => {
        assert.ok(error instanceof SerializationError);
        assert.equal(error.path, path);
        assert.equal(error.code, 'ERR_MOBULA_SERIALIZATION');
        assert.match(error.message, says);
        return true;
      },
    );
  });
}

test('names the key also where generated code writes the object', () => {
  for (let k = 0; k < 40; k++) encodeToBytes({ id: k, callback: 1, rest: 2 });
  assert.throws(() => encodeToBytes({ id: 1, callback: nothing, rest: 2 }, {}, 'x'), { path: 'x.callback' });
});

test('refuses an ArrayBuffer that was transferred away, and views of it', () => {
  const buffer = new ArrayBuffer(8);
  const views = [new Uint8Array(buffer), new DataView(buffer), buffer];
  structuredClone(buffer, { transfer: [buffer] });
  for (const value of views)
    assert.throws(() => encodeToBytes([value], {}, 'a'), { path: 'a[0]', message: /transferred/ });
});

test('deep nesting is an error of its own, and the limit is the same in both directions', () => {
  const wraps: readonly ((inner: unknown) => unknown)[] = [
    (inner) => [inner],
    (inner) => ({ inner }),
    (inner) => new Map([[1, inner]]),
    (inner) => new Set([inner]),
    (inner) => new Error('e', { cause: inner }),
  ];
  for (const wrap of wraps) {
    const nested = (depth: number): unknown => {
      let value: unknown = 1;
      for (let k = 0; k < depth; k++) value = wrap(value);
      return value;
    };
    decodeBytes(encodeToBytes(nested(1000)));
    for (const depth of [1001, 100_000]) {
      assert.throws(
        () => encodeToBytes(nested(depth)),
        (error) => error instanceof SerializationError && error.path.length < 1000 && /levels deep/.test(error.message),
      );
    }
  }
});

test('a refusal leaves the writer as it was, though it has grown and moved', () => {
  const writer = restlessWriter();
  const hooks = encodeHooks();
  encode(writer, 'before', hooks, 'a');
  const before = Buffer.from(writer.bytes.subarray(writer.pos - 7, writer.pos));
  assert.throws(() =>
    encode(writer, ['x'.repeat(500), Buffer.alloc(5000), nothing], { ...hooks, outOfBandBytes: 1 }, 'a'),
  );
  assert.deepEqual(Buffer.from(writer.bytes.subarray(writer.pos - 7, writer.pos)), before);
  assert.deepEqual([writer.refs, writer.buffers], [[], []]);
});
