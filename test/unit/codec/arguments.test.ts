import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { decode, encodeArguments } from '../../../src/store/codec/index.ts';
import { decodeHooks, encodeHooks, restlessWriter } from './support.ts';

/** What arrives when `args` are sent as the arguments of a call. */
function sent(args: readonly unknown[]): unknown {
  const writer = restlessWriter();
  const from = writer.pos;
  encodeArguments(writer, args, encodeHooks(), 'args');
  const start = from + writer.moved;
  return decode(writer.bytes, writer.view, start, writer.pos, decodeHooks());
}

const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(-0, 127, 128, -32, -33, 2 ** 31, 2 ** 53));
const simple = fc.oneof(number, fc.boolean(), fc.constantFrom(null, undefined));

test('arguments arrive as they are, simple or not, few or many', () => {
  const any = fc.oneof({ weight: 3, arbitrary: simple }, fc.string(), fc.array(fc.integer()), fc.constant({ x: 1 }));
  fc.assert(fc.property(fc.array(any, { maxLength: 20 }), (args) => assert.deepEqual(sent(args), args)));
  fc.assert(fc.property(fc.array(simple, { maxLength: 20 }), (args) => assert.deepEqual(sent(args), args)));
});

test('an object given twice arrives as one', () => {
  const shared = { x: 1 };
  const [first, second] = sent([shared, shared]) as unknown[];
  assert.equal(first, second);
});
