import { crc32 } from 'node:zlib';
import { malformed } from '../errors.ts';
import { FRAME_BYTES, PROTOCOL } from '../limits.ts';
import type { Kind, Reader } from './kinds.ts';

/** How the fields of a message lie in its frame, in that order. */
export type Fields<V> = { readonly [K in keyof V]: Kind<V[K]> };

/** What one message is. `V`: its fields. */
export interface Message<V> {
  /** The first byte of its frames. Numbers are never used again for something else. */
  readonly number: number;
  /** The side that may send it: the one that dialed, the one that accepted, or both. */
  readonly from: 'dialer' | 'acceptor' | 'both';
  /** The longest frame. */
  readonly limit: number;
  /** Whether a second one that says the same changes nothing. */
  readonly repeatable: boolean;
  /** Whether a crc32 of the rest of the frame stands before the fields. */
  readonly crc: boolean;
  readonly fields: readonly (readonly [name: keyof V & string, kind: Kind<V[keyof V]>])[];
}

/** Messages by their names. `M`: the fields of each. */
export type Table<M> = { readonly [K in keyof M]: Message<M[K]> };

/** A message that came, with its name and its fields. */
export type Decoded<M> = { [K in keyof M & string]: { readonly name: K; readonly values: M[K] } }[keyof M & string];

interface Traits {
  readonly limit?: number;
  readonly repeatable?: boolean;
  readonly crc?: boolean;
}

/** A message of a table. Without `limit` it may be as long as a frame. */
export function message<V>(
  number: number,
  from: Message<V>['from'],
  fields: Fields<V>,
  traits: Traits = {},
): Message<V> {
  return {
    number,
    from,
    limit: traits.limit ?? FRAME_BYTES,
    repeatable: traits.repeatable ?? false,
    crc: traits.crc ?? false,
    fields: Object.entries(fields) as unknown as Message<V>['fields'],
  };
}

/** Type and version of the protocol. */
const HEAD = 2;
const CRC = 4;

/** The frame of a message. Throws `ERR_MOBULA_FRAME` where a value does not fit. */
export function encode<V>(of: Message<V>, values: V): Uint8Array {
  const start = of.crc ? HEAD + CRC : HEAD;
  let size = start;
  for (const [name, kind] of of.fields) size += kind.size(values[name]);
  if (size > of.limit) throw malformed(`A message ${of.number} of ${size} bytes is longer than its ${of.limit}`);
  const bytes = new Uint8Array(size);
  bytes[0] = of.number;
  bytes[1] = PROTOCOL;
  let at = start;
  for (const [name, kind] of of.fields) at = kind.write(bytes, at, values[name]);
  if (of.crc) writeCrc(bytes, crcOf(bytes));
  return bytes;
}

/** Everything but the crc itself. */
function crcOf(bytes: Uint8Array): number {
  return crc32(bytes.subarray(HEAD + CRC), crc32(bytes.subarray(0, HEAD)));
}

function writeCrc(bytes: Uint8Array, crc: number): void {
  for (let i = 0; i < CRC; i += 1) bytes[HEAD + i] = (crc >>> (8 * i)) & 0xff;
}

function hasCrc(bytes: Uint8Array, crc: number): boolean {
  for (let i = 0; i < CRC; i += 1) if (bytes[HEAD + i] !== ((crc >>> (8 * i)) & 0xff)) return false;
  return true;
}

/** Reads the frames of one table. */
export class Decoder<M> {
  readonly #byNumber: ReadonlyMap<number, readonly [string, Message<unknown>]>;

  constructor(table: Table<M>) {
    const entries = Object.entries(table) as [string, Message<unknown>][];
    this.#byNumber = new Map(entries.map(([name, of]) => [of.number, [name, of]]));
    if (this.#byNumber.size !== Object.keys(table).length) throw new Error('two messages have one number');
  }

  /**
   * What a frame says. Byte fields are views of it.
   *
   * @throws MobulaError (`ERR_MOBULA_FRAME`): it is not a message of the table, sent by that side, whole and without a byte more.
   */
  decode(bytes: Uint8Array, from: 'dialer' | 'acceptor'): Decoded<M> {
    if (bytes.length < HEAD) throw malformed(`A frame of ${bytes.length} bytes is no message`);
    if (bytes[1] !== PROTOCOL) throw malformed(`A message has protocol ${bytes[1]}, not ${PROTOCOL}`);
    const found = this.#byNumber.get(bytes[0] as number);
    if (found === undefined) throw malformed(`There is no message ${bytes[0]}`);
    const [name, of] = found;
    if (of.from !== 'both' && of.from !== from) throw malformed(`${name} came from the wrong side`);
    if (bytes.length > of.limit) throw malformed(`${name} of ${bytes.length} bytes is longer than its ${of.limit}`);
    if (of.crc && (bytes.length < HEAD + CRC || !hasCrc(bytes, crcOf(bytes)))) {
      throw malformed(`${name} was damaged on its way`);
    }
    const reader: Reader = { bytes, at: of.crc ? HEAD + CRC : HEAD, end: bytes.length };
    const values: Record<string, unknown> = {};
    for (const [field, kind] of of.fields) values[field] = (kind as Kind<unknown>).read(reader);
    if (reader.at !== reader.end) throw malformed(`${name} has ${reader.end - reader.at} bytes too many`);
    return { name, values } as unknown as Decoded<M>;
  }
}
