import assert from 'node:assert/strict';
import test from 'node:test';
import { difference } from './inside/difference.ts';

const twin = { a: 1 };
const ring: { self?: unknown } = {};
ring.self = ring;
const withFunction = (status: number): Error => Object.assign(new Error('e'), { status, retry: () => 1 });
const hole: unknown[] = [];
hole[1] = 1;
const buffer: ArrayBuffer = Reflect.construct(ArrayBuffer, [8, { maxByteLength: 64 }]);

/** Pairs that differ in one thing. */
const different: Readonly<Record<string, readonly [unknown, unknown]>> = {
  'the sign of zero': [0, -0],
  'the type of a primitive': [1, 1n],
  'undefined and a missing key': [{ a: undefined }, {}],
  'null and undefined': [[null], [undefined]],
  'the order of keys': [
    { a: 1, b: 2 },
    { b: 2, a: 1 },
  ],
  'a hole and undefined': [hole, [undefined, 1]],
  'the length of an array': [new Array(2), new Array(3)],
  'another key of an array': [Object.assign([1], { x: 1 }), [1]],
  identity: [
    [twin, twin],
    [{ a: 1 }, { a: 1 }],
  ],
  'identity, the other way round': [
    [{ a: 1 }, { a: 1 }],
    [twin, twin],
  ],
  'a cycle': [ring, { self: { self: {} } }],
  'the order of a Map': [
    new Map([
      [1, 1],
      [2, 2],
    ]),
    new Map([
      [2, 2],
      [1, 1],
    ]),
  ],
  'a key of a Map': [new Map([[{ a: 1 }, 1]]), new Map([[{ a: 2 }, 1]])],
  'the order of a Set': [new Set([1, 2]), new Set([2, 1])],
  'the time of a Date': [new Date(1), new Date(2)],
  'the flags of a RegExp': [/a/g, /a/],
  'a boxed primitive': [Object(1), Object(2)],
  'the class of a view': [new Uint8Array([1]), new Int8Array([1])],
  'a Buffer and its bytes': [Buffer.from([1]), new Uint8Array([1])],
  'the bytes of a view': [new Uint8Array([1]), new Uint8Array([2])],
  'the bytes of an ArrayBuffer': [new ArrayBuffer(1), new Uint8Array([1]).buffer],
  'whether a view follows its buffer': [new Uint8Array(buffer), new Uint8Array(buffer, 0, 8)],
  'the class of an error': [new TypeError('e'), new Error('e')],
  'the message of an error': [new Error('a'), new Error('b')],
  'the name of an error': [Object.assign(new Error('e'), { name: 'A' }), new Error('e')],
  'the code of an error': [Object.assign(new Error('e'), { code: 'A' }), Object.assign(new Error('e'), { code: 'B' })],
  'the cause of an error': [new Error('e', { cause: 1 }), new Error('e', { cause: 2 })],
  'a cause that is missing': [new Error('e', { cause: undefined }), new Error('e')],
  'the errors of an AggregateError': [new AggregateError([1]), new AggregateError([2])],
  'a property of an error': [Object.assign(new Error('e'), { n: 1 }), Object.assign(new Error('e'), { n: 2 })],
  'no mark for what could not travel': [withFunction(1), Object.assign(new Error('e'), { status: 1 })],
  'a property beside what could not travel': [
    withFunction(1),
    Object.assign(withFunction(2), { retry: '[cannot travel: a function]' }),
  ],
  'an error and an object': [new Error('e'), { message: 'e' }],
  'an instance and an object': [new URL('http://x'), {}],
};

for (const [name, [here, there]] of Object.entries(different)) {
  test(`the battery tells apart: ${name}`, () => assert.notEqual(difference(here, there), undefined));
}

test('the battery finds copies the same', () => {
  const value = { list: [hole, 1, -0], map: new Map([[twin, [twin]]]), ring, error: new RangeError('e', { cause: 1 }) };
  assert.equal(difference(value, structuredClone(value)), undefined);
  assert.equal(
    difference(withFunction(1), Object.assign(withFunction(1), { retry: '[cannot travel: a function]' })),
    undefined,
  );
});
