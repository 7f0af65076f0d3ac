import { types } from 'node:util';
import { writeArray } from './encode-array.ts';
import { writeExotic, writePortable } from './encode-exotic.ts';
import { EncodeState, type Fields } from './encode-state.ts';
import { type EncodeHooks, type Portable, portable } from './hooks.ts';
import { NUMBER_BYTES, writeBigint, writeNumber } from './numbers.ts';
import { isBuiltinPrototype, isPlainPrototype } from './realm.ts';
import { cannotTravel, isAProxy, propertyStep, Refusal, refusedWithin, tooDeep } from './refusal.ts';
import { MAX_SHAPE_KEYS, trieOf } from './shape-trie.ts';
import { writeFields } from './shape-writers.ts';
import { writeString } from './strings.ts';
import { FALSE, MAX_DEPTH, NULL, OBJECT_INLINE, OBJECT_SHAPE, TRUE, UNDEFINED } from './tags.ts';
import type { Writer } from './writer.ts';

/** Kept between values. A getter or a hook may encode another value meanwhile, which then makes its own. */
let idle: EncodeState | undefined;

/**
 * Appends `value` to what `writer` holds. `path` is what errors call the value, such as `args[0]`.
 * Throws SerializationError for what cannot travel, and whatever a getter in the value or a hook throws;
 * the writer then holds what it held before.
 */
export function encode(writer: Writer, value: unknown, hooks: EncodeHooks, path: string): void {
  if (value === undefined) {
    writer.ensure(1);
    writer.byte(UNDEFINED);
    return;
  }
  if (typeof value === 'number') {
    writer.ensure(NUMBER_BYTES);
    writeNumber(writer, value);
    return;
  }
  const start = writer.pos - writer.moved;
  const refs = writer.refs.length;
  const buffers = writer.buffers.length;
  const state = idle ?? new EncodeState(writeValue);
  idle = undefined;
  try {
    state.begin(writer, hooks, isCompound(value) ? trieOf(hooks.shapes, writeValue) : undefined);
    writeValue(state, value);
    state.binary?.finish(writer, hooks);
  } catch (error) {
    writer.pos = start + writer.moved;
    writer.refs.length = refs;
    writer.buffers.length = buffers;
    throw publicError(error, path);
  } finally {
    state.reset();
    idle = state;
  }
}

function isCompound(value: unknown): boolean {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function publicError(error: unknown, path: string): unknown {
  if (error instanceof Refusal) return error.toError(path);
  // The caller's own frames may have left less stack than MAX_DEPTH needs.
  const overflow = error instanceof RangeError && error.message.includes('call stack');
  return overflow ? tooDeep(MAX_DEPTH).toError(path) : error;
}

function writeValue(state: EncodeState, value: unknown): void {
  const writer = state.writer;
  writer.ensure(NUMBER_BYTES);
  switch (typeof value) {
    case 'number':
      writeNumber(writer, value);
      return;
    case 'string':
      writeString(writer, value);
      return;
    case 'object':
      if (value === null) writer.byte(NULL);
      else writeObject(state, value);
      return;
    case 'boolean':
      writer.byte(value ? TRUE : FALSE);
      return;
    case 'undefined':
      writer.byte(UNDEFINED);
      return;
    case 'bigint':
      writeBigint(writer, value);
      return;
    case 'function':
      if (!isPortable(value)) throw cannotTravel(value);
      if (!state.isRepeat(value)) writePortable(state, value);
      return;
    default:
      throw cannotTravel(value);
  }
}

function writeObject(state: EncodeState, value: object): void {
  if (state.isRepeat(value)) return;
  const prototype: object | null = Object.getPrototypeOf(value);
  const isArray = Array.isArray(value);
  if (isArray ? isBuiltinPrototype(prototype, Array.prototype) : isPlainPrototype(prototype)) {
    if (Object.getOwnPropertySymbols(value).length !== 0) writeSymbolic(state, value);
    else if (types.isProxy(value)) throw isAProxy();
    else if (isArray) writeArray(state, value);
    else writePlain(state, value as Fields);
  } else if (state.hooks.isRef(value)) {
    state.writeRef(value);
  } else if (isPortable(value)) {
    writePortable(state, value);
  } else {
    writeExotic(state, value);
  }
}

/** A key that is a symbol would be lost, unless it is the one that says how the object travels. */
function writeSymbolic(state: EncodeState, value: object): void {
  if (isPortable(value)) {
    writePortable(state, value);
    return;
  }
  const [symbol] = Object.getOwnPropertySymbols(value) as [symbol];
  const refusal = new Refusal('is a property whose key is a symbol', 'Use a string as the key, or leave it out.');
  refusal.within(propertyStep(symbol));
  throw refusal;
}

function writePlain(state: EncodeState, object: Fields): void {
  const keys = Object.keys(object);
  const shape = keys.length > MAX_SHAPE_KEYS ? undefined : state.keyLists.find(keys);
  state.enter();
  if (shape === undefined || shape.id < 0) {
    writeInline(state, object, keys);
  } else {
    const writer = state.writer;
    writer.byte(OBJECT_SHAPE);
    writer.varint(shape.id);
    if (shape.write === undefined) writeFields(state, object, keys, writeValue);
    else shape.write(state, object);
  }
  state.leave();
}

function writeInline(state: EncodeState, object: Fields, keys: readonly string[]): void {
  const writer = state.writer;
  writer.byte(OBJECT_INLINE);
  writer.varint(keys.length);
  for (const key of keys) {
    writeString(writer, key);
    try {
      writeValue(state, object[key]);
    } catch (error) {
      throw refusedWithin(error, () => propertyStep(key));
    }
  }
}

function isPortable(value: object): value is Portable {
  return typeof (value as Partial<Portable>)[portable] === 'function';
}
