import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { decodeBytes, encodeToBytes } from '../../../src/store/codec/index.ts';
import { roundTrip } from './support.ts';

const leaf = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.bigInt(),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc.constantFrom(undefined, null, true, false, -0, Number.NaN),
  fc.date({ noInvalidDate: true }),
  fc.constantFrom(/a/g, /./su),
  fc.uint8Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
  fc.sparseArray(fc.integer()),
  fc.array(fc.double(), { maxLength: 300 }),
  fc.constantFrom(Object(1), Object('text'), Object(true)),
);

const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaf,
    tie('list'),
    tie('object'),
    tie('record'),
    tie('map'),
    tie('set'),
    tie('twice'),
  ),
  list: fc.array(tie('any')),
  object: fc.dictionary(fc.string(), tie('any')),
  record: fc.record({ id: tie('any'), name: fc.string(), list: tie('any') }, { requiredKeys: ['id'] }),
  map: fc.array(fc.tuple(tie('any'), tie('any'))).map((entries) => new Map(entries)),
  set: fc.array(tie('any')).map((members) => new Set(members)),
  twice: tie('any').map((shared) => ({ shared, again: [shared] })),
})).any;

test('what arrives equals a structured clone', () => {
  fc.assert(
    fc.property(value, (sent) => {
      assert.deepStrictEqual(roundTrip(sent), structuredClone(sent));
    }),
    { numRuns: 2000 },
  );
});

test('identity is shared where it was shared', () => {
  const places = (root: unknown): number[] => {
    const seen: unknown[] = [];
    const order: number[] = [];
    const visit = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return;
      const at = seen.indexOf(node);
      order.push(at);
      if (at >= 0) return;
      seen.push(node);
      if (node instanceof Map) for (const entry of node) entry.forEach(visit);
      else if (node instanceof Set) node.forEach(visit);
      else if (!ArrayBuffer.isView(node)) Object.values(node).forEach(visit);
    };
    visit(root);
    return order;
  };
  fc.assert(
    fc.property(value, (sent) => assert.deepEqual(places(roundTrip(sent)), places(sent))),
    { numRuns: 500 },
  );
});

test('damaged bytes give an error or a value, soon', () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(value, damage, fc.nat(), (sent, changes, cut) => {
      const { bytes } = encodeToBytes(sent);
      const damaged = bytes.slice(0, bytes.length - (cut % 3 === 0 ? cut % bytes.length : 0));
      for (const [place, byte] of changes) damaged[place % damaged.length] = byte;
      survives(damaged);
    }),
    { numRuns: 3000 },
  );
});

test('arbitrary bytes give an error or a value, soon', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), survives), { numRuns: 5000 });
  fc.assert(
    fc.property(fc.constantFrom(0xcd, 0xce), fc.uint8Array({ maxLength: 200 }), (root, rest) =>
      survives(Uint8Array.of(root, ...rest)),
    ),
    { numRuns: 5000 },
  );
});

test('bytes cut short anywhere give an error', () => {
  const sent = [
    { a: 'text', b: 1.5 },
    new Map([[1, [2n]]]),
    new Error('e'),
    new Uint8Array(20),
    new Date(),
    /a/,
    'x'.repeat(99),
  ];
  const { bytes } = encodeToBytes(sent);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeBytes({ bytes: bytes.slice(0, length) }), Error, `${length} of ${bytes.length} bytes`);
    // Also when there is more memory behind the end.
    const { buffer } = bytes;
    assert.throws(() => decodeBytes({ bytes: new Uint8Array(buffer, bytes.byteOffset, length) }), Error);
  }
});

function survives(bytes: Uint8Array): void {
  const start = performance.now();
  try {
    decodeBytes({ bytes });
  } catch (error) {
    assert.ok(error instanceof Error);
  }
  assert.ok(performance.now() - start < 1000, 'took too long');
}
