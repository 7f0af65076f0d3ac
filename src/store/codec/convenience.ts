import { MobulaError } from '../../common/errors.ts';
import { decode } from './decode.ts';
import { encode } from './encode.ts';
import type { DecodeHooks, EncodeHooks } from './hooks.ts';
import { LocalShapeTable } from './shape-table.ts';
import { type BinaryPart, Writer } from './writer.ts';

/** One encoded value on its own, with what travels beside its bytes. */
export interface EncodedValue {
  readonly bytes: Uint8Array;
  readonly refs: readonly number[];
  readonly buffers: readonly BinaryPart[];
}

const shapes = new LocalShapeTable();

function noPlace(what: string): never {
  throw new MobulaError('ERR_MOBULA_INTERNAL', `${what} has no place in a value that travels alone.`);
}

const plainEncodeHooks: EncodeHooks = {
  shapes,
  outOfBandBytes: Number.POSITIVE_INFINITY,
  isRef: () => false,
  refIndex: () => noPlace('A ref'),
  share: () => noPlace('What threads share'),
};

const plainDecodeHooks: DecodeHooks = {
  shapes,
  ref: () => noPlace('A ref'),
  revive: () => noPlace('A handle'),
  shared: () => noPlace('What threads share'),
  buffer: () => noPlace('A buffer out of band'),
};

/** Encodes one value into bytes of its own. For cold paths; by default only for this thread. */
export function encodeToBytes(value: unknown, hooks: Partial<EncodeHooks> = {}, path = 'value'): EncodedValue {
  const writer: Writer = new Writer(new Uint8Array(256), (min) => {
    const larger = new Uint8Array(Math.max(writer.bytes.length * 2, writer.pos + min));
    larger.set(writer.bytes);
    writer.bytes = larger;
    writer.view = new DataView(larger.buffer);
    writer.limit = larger.length;
  });
  encode(writer, value, { ...plainEncodeHooks, ...hooks }, path);
  return { bytes: writer.bytes.subarray(0, writer.pos), refs: writer.refs, buffers: writer.buffers };
}

/** Decodes what `encodeToBytes` made. Out-of-band buffers are copied out of the sender's. */
export function decodeBytes(
  encoded: Pick<EncodedValue, 'bytes'> & Partial<EncodedValue>,
  hooks: Partial<DecodeHooks> = {},
): unknown {
  const { bytes, buffers = [] } = encoded;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return decode(bytes, view, 0, bytes.length, {
    ...plainDecodeHooks,
    buffer: (ordinal) => copyOf(buffers[ordinal]),
    ...hooks,
  });
}

function copyOf(part: BinaryPart | undefined): ArrayBuffer {
  if (part === undefined) return noPlace('A buffer out of band');
  return new Uint8Array(part.buffer, part.byteOffset, part.byteLength).slice().buffer;
}
