import type { EncodeState } from './encode-state.ts';
import { extraKeys } from './extra-keys.ts';
import { NUMBER_BYTES, writeNumber } from './numbers.ts';
import { propertyStep, refusedWithin } from './refusal.ts';
import { writeString } from './strings.ts';
import { ARRAY, ARRAY_SHORT, ARRAY_WITH_KEYS, HOLES, NUMBERS, SHORT_ARRAY_LENGTHS } from './tags.ts';
import type { Writer } from './writer.ts';

/** Shorter lists of numbers do not gain from being written as one block. */
const BLOCK_LENGTH = 6;

/** Writes an array: its length, its elements with runs of holes counted, and its other keys if it has any. */
export function writeArray(state: EncodeState, array: readonly unknown[]): void {
  const writer = state.writer;
  const length = array.length;
  const extra = extraKeys(array, length, '');
  if (extra === undefined && length >= BLOCK_LENGTH && writeNumbers(writer, array)) return;
  writer.ensure(1);
  if (extra !== undefined) {
    writer.byte(ARRAY_WITH_KEYS);
    writer.varint(length);
  } else if (length < SHORT_ARRAY_LENGTHS) {
    writer.byte(ARRAY_SHORT + length);
  } else {
    writer.byte(ARRAY);
    writer.varint(length);
  }
  state.enter();
  writeElements(state, array, length);
  if (extra !== undefined) writeExtra(state, array, extra);
  state.leave();
}

function writeElements(state: EncodeState, array: readonly unknown[], length: number): void {
  const writer = state.writer;
  let i = 0;
  try {
    for (; i < length; i++) {
      const element = array[i];
      if (typeof element === 'number') {
        writer.ensure(NUMBER_BYTES);
        writeNumber(writer, element);
      } else if (element === undefined && !Object.hasOwn(array, i)) {
        i = writeHoles(writer, array, i, length) - 1;
      } else {
        state.write(state, element);
      }
    }
  } catch (error) {
    throw refusedWithin(error, `[${i}]`);
  }
}

/** Writes how many elements from `from` on are missing, and returns the index of the next that is not. */
function writeHoles(writer: Writer, array: readonly unknown[], from: number, length: number): number {
  let next = from + 1;
  // A few steps find the end of most runs; after that only the keys tell, as an array may be 2^32 holes long.
  const near = Math.min(length, from + 64);
  while (next < near && !Object.hasOwn(array, next)) next++;
  if (next === near && near < length) next = nextIndex(array, near, length);
  writer.ensure(1);
  writer.byte(HOLES);
  writer.varint(next - from);
  return next;
}

function nextIndex(array: readonly unknown[], from: number, length: number): number {
  for (const key of Object.keys(array)) {
    const index = Number(key);
    if (index >= from && index < length) return index;
  }
  return length;
}

function writeExtra(state: EncodeState, array: readonly unknown[], extra: readonly string[]): void {
  state.writer.varint(extra.length);
  for (const key of extra) {
    writeString(state.writer, key);
    try {
      state.write(state, Reflect.get(array, key));
    } catch (error) {
      throw refusedWithin(error, propertyStep(key));
    }
  }
}

function isFraction(value: unknown): boolean {
  return typeof value === 'number' && (value | 0) !== value;
}

/** Writes an array of numbers as one block of doubles if that is what its ends are; else nothing. */
function writeNumbers(writer: Writer, array: readonly unknown[]): boolean {
  const length = array.length;
  if (!isFraction(array[length - 1]) || !(isFraction(array[0]) || isFraction(array[1]))) return false;
  for (let i = 0; i < length; i++) {
    if (typeof array[i] !== 'number') return false;
  }
  writer.ensure(1 + 8 + length * 8);
  writer.byte(NUMBERS);
  writer.varint(length);
  const view = writer.view;
  let pos = writer.pos;
  for (let i = 0; i < length; i++, pos += 8) view.setFloat64(pos, array[i] as number, true);
  writer.pos = pos;
  return true;
}
