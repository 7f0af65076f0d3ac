import {
  type DecodeHooks,
  decodeBytes,
  type EncodeHooks,
  encodeToBytes,
  LocalShapeTable,
  Writer,
} from '../../../src/store/codec/index.ts';

/** What arrives when `value` is sent. */
export function roundTrip<T>(value: T): T {
  return decodeBytes(encodeToBytes(value)) as T;
}

function unexpected(): never {
  throw new Error('this hook was not expected to be called');
}

/** Encode hooks with a shape table of their own, `overrides` before all. */
export function encodeHooks(overrides: Partial<EncodeHooks> = {}): EncodeHooks {
  const shapes = new LocalShapeTable();
  return {
    shapes,
    outOfBandBytes: Infinity,
    isRef: () => false,
    refIndex: unexpected,
    share: unexpected,
    ...overrides,
  };
}

/** Decode hooks with a shape table of their own, `overrides` before all. */
export function decodeHooks(overrides: Partial<DecodeHooks> = {}): DecodeHooks {
  const shapes = new LocalShapeTable();
  return { shapes, ref: unexpected, revive: unexpected, shared: unexpected, buffer: unexpected, ...overrides };
}

/** A writer over shared memory that gives only what is asked for, and moves what was written each time. */
export function restlessWriter(): Writer {
  const writer: Writer = new Writer(new Uint8Array(new SharedArrayBuffer(8)), (min) => {
    const shift = 3;
    const larger = new Uint8Array(new SharedArrayBuffer(shift + writer.pos + min));
    larger.set(writer.bytes.subarray(0, writer.pos), shift);
    writer.bytes = larger;
    writer.view = new DataView(larger.buffer);
    writer.limit = larger.length;
    writer.pos += shift;
  });
  return writer;
}
