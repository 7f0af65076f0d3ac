import type { EncodeState } from './encode-state.ts';
import { extraKeys } from './extra-keys.ts';
import { NUMBER_BYTES, writeNumber } from './numbers.ts';
import { propertyStep, refusedWithin } from './refusal.ts';
import { writeString } from './strings.ts';
import { ARRAY, ARRAY_SHORT, ARRAY_WITH_KEYS, HOLES, NUMBERS, SHORT_ARRAY_LENGTHS } from './tags.ts';
import type { Writer } from './writer.ts';

/** Shorter lists of numbers do not gain from being written as one block. */
const BLOCK_LENGTH = 6;

/**
 * Holes that are looked at one by one, beside four for each element. So they cost no more than the elements do, and a list of
 * all keys, which costs as much as many elements, is made at most once.
 */
const PATIENCE = 256;

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
  let holes = 0;
  let i = 0;
  try {
    for (; i < length; i++) {
      const element = array[i];
      if (typeof element === 'number') {
        writer.ensure(NUMBER_BYTES);
        writeNumber(writer, element);
      } else if (element === undefined && !Object.hasOwn(array, i)) {
        const next = endOfHoles(array, i, length, PATIENCE + 4 * i - 5 * holes);
        if (next < 0) {
          writeByKeys(state, array, i, length);
          return;
        }
        writeHoles(writer, next - i);
        holes += next - i;
        i = next - 1;
      } else {
        state.write(state, element);
      }
    }
  } catch (error) {
    throw refusedWithin(error, `[${i}]`);
  }
}

/** The index of the first element after the hole at `from`; -1 if more than `patience` steps do not find it. */
function endOfHoles(array: readonly unknown[], from: number, length: number, patience: number): number {
  const end = Math.min(length, from + Math.max(patience, 1));
  let next = from + 1;
  while (next < end && !Object.hasOwn(array, next)) next++;
  return next < length && next === end ? -1 : next;
}

function writeHoles(writer: Writer, count: number): void {
  writer.ensure(1);
  writer.byte(HOLES);
  writer.varint(count);
}

/** Writes the elements from `from` on. An array may be 2^32 holes long, so only its keys tell where elements are. */
function writeByKeys(state: EncodeState, array: readonly unknown[], from: number, length: number): void {
  let written = from;
  // Indices come first, in ascending order.
  for (const key of Object.keys(array)) {
    const index = Number(key);
    if (index < written) continue;
    if (!(index < length)) break;
    const element = array[index];
    // A getter of an element before it may have deleted it.
    if (element === undefined && !Object.hasOwn(array, index)) continue;
    if (index > written) writeHoles(state.writer, index - written);
    try {
      state.write(state, element);
    } catch (error) {
      throw refusedWithin(error, `[${index}]`);
    }
    written = index + 1;
  }
  if (written < length) writeHoles(state.writer, length - written);
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
