import assert from 'node:assert/strict';
import test from 'node:test';
import { type BinaryPart, decodeBytes, encodeToBytes } from '../../../src/store/codec/index.ts';
import { roundTrip } from './support.ts';

const bytes = Uint8Array.from({ length: 64 }, (_, i) => i * 3);
const typedArrays = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
];

for (const Class of typedArrays) {
  test(`keeps a ${Class.name}`, () => {
    for (const length of [0, 1, 4]) {
      const array = new Class(bytes.buffer.slice(0), 16, length);
      const copy = roundTrip(array);
      assert.equal(Object.getPrototypeOf(copy), Class.prototype);
      assert.deepStrictEqual(copy, array);
      assert.equal(copy.buffer.byteLength, array.byteLength);
    }
  });
}

test('keeps ArrayBuffers, DataViews and Buffers', () => {
  const buffer = bytes.buffer.slice(0);
  assert.deepStrictEqual(roundTrip(buffer), buffer);
  assert.deepStrictEqual(roundTrip(new ArrayBuffer(0)), new ArrayBuffer(0));
  const view = roundTrip(new DataView(buffer, 3, 5));
  assert.deepEqual([view.byteLength, view.getUint8(0), view.getUint8(4)], [5, 9, 21]);
  const text = roundTrip(Buffer.from('héllo'));
  assert.ok(Buffer.isBuffer(text));
  assert.equal(text.toString(), 'héllo');
});

test('keeps a resizable ArrayBuffer resizable', () => {
  type Resizable = ArrayBuffer & { readonly resizable: boolean; readonly maxByteLength: number };
  const Buffers = ArrayBuffer as unknown as new (length: number, options: object) => Resizable;
  const copy = roundTrip(new Buffers(8, { maxByteLength: 32 }));
  assert.deepEqual([copy.byteLength, copy.resizable, copy.maxByteLength], [8, true, 32]);
});

test('views of a resizable buffer keep following its length, or not, as before', () => {
  type Resizable = ArrayBuffer & { readonly maxByteLength: number; resize(length: number): void };
  const Buffers = ArrayBuffer as unknown as new (length: number, options: object) => Resizable;
  const buffer = new Buffers(16, { maxByteLength: 64 });
  new Uint8Array(buffer).set(bytes.subarray(0, 16));
  const sent = [
    new Uint8Array(buffer),
    new Uint8Array(buffer, 0, 16),
    new DataView(buffer, 4),
    new Float64Array(buffer, 8),
    new Int16Array(buffer, 4, 2),
  ];
  const copies = roundTrip(sent);
  const copy = copies[0]?.buffer as Resizable;
  assert.equal(copy.maxByteLength, 64);
  assert.deepStrictEqual(copies, sent);
  assert.ok(copies.every((view) => view.buffer === copy));
  for (const length of [33, 64, 16, 24]) {
    for (const each of [buffer, copy]) each.resize(length);
    assert.deepEqual(
      copies.map((view) => view.byteLength),
      sent.map((view) => view.byteLength),
    );
  }
  const alone = roundTrip(new Uint16Array(buffer, 2));
  (alone.buffer as Resizable).resize(40);
  assert.equal(alone.length, 19);
  const late = new Uint8Array(buffer, 20, 4);
  buffer.resize(8);
  assert.throws(() => roundTrip({ late }), { code: 'ERR_MOBULA_SERIALIZATION', path: 'value.late' });
});

test('a lone slice of a pool brings nothing else of the pool along', () => {
  const { bytes: encoded } = encodeToBytes([Buffer.from(bytes.buffer, 8, 4)]);
  assert.ok(encoded.length < 24, `${encoded.length} bytes`);
});

test('views of one ArrayBuffer share one after decoding, whatever their order', () => {
  const buffer = new ArrayBuffer(4096);
  new Uint8Array(buffer).set(bytes, 1000);
  const late = new Float64Array(buffer, 1016, 3);
  const early = new Uint8Array(buffer, 1003, 5);
  for (const views of [
    [late, early],
    [early, late],
  ] as const) {
    const encoded = encodeToBytes({ views });
    assert.ok(encoded.bytes.length < 150, `${encoded.bytes.length} bytes`);
    const copy = decodeBytes(encoded) as { views: [Uint8Array | Float64Array, Uint8Array | Float64Array] };
    assert.deepStrictEqual(copy.views, views);
    assert.equal(copy.views[0].buffer, copy.views[1].buffer);
    assert.equal(late.byteOffset - early.byteOffset, Math.abs(copy.views[0].byteOffset - copy.views[1].byteOffset));
  }
});

test('overlapping views stay so, and the same view twice is one', () => {
  const source = new Uint8Array([1, 2, 3, 4]);
  const [whole, tail, again, buffer] = roundTrip([source, source.subarray(2), source, source.buffer] as const);
  assert.equal(whole, again);
  assert.equal(whole.buffer, buffer);
  tail[0] = 99;
  assert.deepEqual([...whole], [1, 2, 99, 4]);
});

test('an ArrayBuffer met beside its views travels whole', () => {
  const buffer = bytes.buffer.slice(0);
  const [view, copy] = roundTrip([new Uint8Array(buffer, 10, 2), buffer] as const);
  assert.equal(view.buffer, copy);
  assert.equal(view.byteOffset, 10);
  assert.deepStrictEqual(copy, buffer);
});

test('large buffers go out of band, once, and only the range in use', () => {
  const pool = new ArrayBuffer(10_000);
  const lone = new Float32Array(pool, 400, 500);
  const shared = Buffer.alloc(5000, 1);
  const small = new Uint8Array(8);
  const value = { lone, a: shared.subarray(0, 3000), small, b: shared.subarray(2000) };
  const encoded = encodeToBytes(value, { outOfBandBytes: 1000 });
  assert.ok(encoded.bytes.length < 100);
  assert.deepEqual(encoded.buffers, [
    { buffer: pool, byteOffset: 400, byteLength: 2000 },
    { buffer: shared.buffer, byteOffset: shared.byteOffset, byteLength: 5000 },
  ]);
  const handedOut: ArrayBuffer[] = [];
  const buffer = (ordinal: number): ArrayBuffer => {
    const part = encoded.buffers[ordinal] as BinaryPart;
    const copy = part.buffer.slice(part.byteOffset, part.byteOffset + part.byteLength) as ArrayBuffer;
    handedOut[ordinal] = copy;
    return copy;
  };
  const copy = decodeBytes(encoded, { buffer }) as typeof value;
  assert.deepStrictEqual(copy, value);
  assert.equal(copy.lone.buffer, handedOut[0]);
  assert.equal(copy.lone.byteOffset, 0);
  assert.equal(copy.a.buffer, handedOut[1]);
  assert.equal(copy.b.buffer, handedOut[1]);
});

test('a value that is one large view gets exactly the buffer of the hook', () => {
  const array = new Float64Array(1000).fill(0.5);
  const encoded = encodeToBytes(array, { outOfBandBytes: 1000 });
  const stored = array.slice().buffer;
  const copy = decodeBytes(encoded, { buffer: () => stored }) as Float64Array;
  assert.equal(copy.buffer, stored);
  assert.deepStrictEqual(copy, array);
});

test('a SharedArrayBuffer stays shared, and is registered once', () => {
  const memory = new SharedArrayBuffer(16);
  const ids: object[] = [];
  const encoded = encodeToBytes([new Int32Array(memory, 4, 2), memory], { share: (sab) => ids.push(sab) + 40 });
  assert.deepEqual(ids, [memory]);
  assert.deepEqual(encoded.refs, [41]);
  const copy = decodeBytes(encoded, {
    shared(id) {
      assert.equal(id, 41);
      return memory;
    },
  }) as [Int32Array, SharedArrayBuffer];
  assert.equal(copy[1], memory);
  assert.equal(copy[0].buffer, memory);
  assert.equal(copy[0].byteOffset, 4);
});
