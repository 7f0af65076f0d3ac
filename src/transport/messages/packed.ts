import { Packr, Unpackr } from 'msgpackr/pack';
import { malformed } from '../errors.ts';
import type { Kind } from './kinds.ts';
import { checkPacked } from './packed-check.ts';

/** What a packed field may hold. No maps, and nothing that msgpackr would make an object of a class of. */
export type Packed = null | boolean | number | string | Uint8Array | readonly Packed[];

const packr = new Packr({ useRecords: false, moreTypes: false, structuredClone: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: false, moreTypes: false, structuredClone: false });

function checkValue(value: unknown, depth = 0): void {
  if (depth > MOST_DEPTH) throw malformed(`A value is nested deeper than ${MOST_DEPTH}`);
  if (Array.isArray(value)) {
    for (const item of value) checkValue(item, depth + 1);
    return;
  }
  const ok =
    value === null ||
    typeof value === 'boolean' ||
    typeof value === 'number' ||
    typeof value === 'string' ||
    value instanceof Uint8Array;
  if (!ok) throw malformed(`A message cannot carry a value of type ${typeof value}`);
}

export const MOST_DEPTH = 16;
/** Arrays, and what is in them. */
const MOST_VALUES = 100_000;

/**
 * A MessagePack array up to the end of the frame: the last field, of messages that are rare. `check` says whether the array is
 * one of that message. The bytes are looked through before anything is made of them.
 */
export function packed<T extends readonly Packed[]>(check: (value: readonly Packed[]) => value is T): Kind<T> {
  let last: { readonly value: T; readonly bytes: Uint8Array } | undefined;
  const pack = (value: T): Uint8Array => {
    checkValue(value);
    if (!check(value)) throw malformed('A message has other fields than its table says');
    return packr.pack(value);
  };
  return {
    size(value) {
      last = { value, bytes: pack(value) };
      return last.bytes.length;
    },
    write(bytes, at, value) {
      const body = last?.value === value ? last.bytes : pack(value);
      last = undefined;
      bytes.set(body, at);
      return at + body.length;
    },
    read(reader) {
      const bytes = reader.bytes.subarray(reader.at, reader.end);
      checkPacked(bytes, MOST_DEPTH, MOST_VALUES);
      // A copy: msgpackr gives views of what it reads.
      const value = unpackr.unpack(new Uint8Array(bytes)) as unknown;
      reader.at = reader.end;
      if (!Array.isArray(value) || !check(value as readonly Packed[])) {
        throw malformed('A message has other fields than its table says');
      }
      return value as unknown as T;
    },
  };
}
