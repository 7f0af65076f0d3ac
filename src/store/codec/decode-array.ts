import { damaged, type Reader } from './reader.ts';
import { type Read, setOwn } from './shape-factories.ts';
import { HOLES } from './tags.ts';

/** Shorter arrays are grown, as `new Array(n)` makes V8 expect holes in them for good. */
const GROWN = 16;
/** An array that has fewer than one element in so many places is a dictionary to V8 anyhow. */
const SPARSE = 16;
/** V8 turns longer arrays made by `new Array(n)` into dictionaries. */
const MAX_ALLOCATED = 1 << 24;

/** Reads the elements of an array of `length`. */
export function readArray(reader: Reader, read: Read, length: number): unknown[] {
  const array = allocate<unknown>(reader, length);
  reader.track(array);
  reader.enter();
  for (let i = 0; i < length; i++) {
    const tag = reader.peek();
    if (tag === HOLES) i = skipHoles(reader, i, length) - 1;
    else array[i] = read(reader);
  }
  if (array.length < length) array.length = length;
  reader.leave();
  return array;
}

/** Room for all elements where that saves growing; never for much more than the bytes at hand can be meant to fill. */
function allocate<T>(reader: Reader, length: number): T[] {
  return length > GROWN && length <= reader.end * SPARSE && length <= MAX_ALLOCATED ? new Array<T>(length) : [];
}

function skipHoles(reader: Reader, from: number, length: number): number {
  reader.byte();
  const next = from + reader.varint();
  if (next > length || next === from) throw damaged('holes beyond the end of an array');
  return next;
}

/** Reads an array that has keys beside its indices. */
export function readArrayWithKeys(reader: Reader, read: Read): unknown[] {
  const array = readArray(reader, read, reader.varint());
  for (let count = reader.varint(); count > 0; count--) {
    const key = reader.string();
    setOwn(array, key, read(reader));
  }
  return array;
}

/** Reads a block of doubles. */
export function readNumbers(reader: Reader): number[] {
  const length = reader.varint();
  const view = reader.view;
  let pos = reader.take(length * 8);
  const array = allocate<number>(reader, length);
  for (let i = 0; i < length; i++, pos += 8) array[i] = view.getFloat64(pos, true);
  reader.track(array);
  return array;
}
