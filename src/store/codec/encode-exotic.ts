import { types } from 'node:util';
import { writeShared } from './binary-table.ts';
import { writeArrayBuffer, writeView } from './encode-binary.ts';
import { writeDomException, writeError } from './encode-error.ts';
import type { EncodeState } from './encode-state.ts';
import { type Portable, portable } from './hooks.ts';
import { isSharedByThreads } from './local.ts';
import { isBuiltinPrototype } from './realm.ts';
import { cannotTravel, mapStep, Refusal, refusedWithin, refuseKeys } from './refusal.ts';
import { writeString } from './strings.ts';
import { BOXED, DATE, END, LOCAL, MAP, PORTABLE, REGEXP, SET } from './tags.ts';

/** Writes an object that is neither plain nor an array, or refuses it. One byte of room is known to be there. */
export function writeExotic(state: EncodeState, value: object): void {
  if (ArrayBuffer.isView(value)) writeView(state, value);
  else if (types.isMap(value)) writeMap(state, value);
  else if (types.isSet(value)) writeSet(state, value);
  else if (types.isDate(value)) writeDate(state, value);
  else if (value instanceof DOMException) writeDomException(state, value);
  else if (types.isNativeError(value)) writeError(state, value);
  else if (types.isRegExp(value)) writeRegExp(state, value);
  else if (types.isAnyArrayBuffer(value)) writeArrayBuffer(state, value);
  else if (types.isBoxedPrimitive(value)) writeBoxed(state, value);
  else if (isSharedByThreads(value)) writeLocal(state, value);
  else throw cannotTravel(value);
}

function writeLocal(state: EncodeState, thing: object): void {
  state.writer.ensure(1);
  state.writer.byte(LOCAL);
  writeShared(state.writer, state.hooks, thing);
}

/** Writes what the object says it is to be rebuilt from. */
export function writePortable(state: EncodeState, value: Portable): void {
  const [kind, payload] = value[portable]();
  state.writer.ensure(1);
  state.writer.byte(PORTABLE);
  state.writer.varint(kind);
  state.enterPayload();
  state.write(state, payload);
  state.leavePayload();
}

/** Refuses subclasses of a built-in class, and properties that were added to an instance. */
function expectBare(value: object, own: object): void {
  if (!isBuiltinPrototype(Object.getPrototypeOf(value), own)) throw cannotTravel(value);
  refuseKeys(value, Object.keys(value));
}

function writeMap(state: EncodeState, map: ReadonlyMap<unknown, unknown>): void {
  expectBare(map, Map.prototype);
  state.writer.byte(MAP);
  state.enter();
  let place = 0;
  for (const [key, value] of Map.prototype.entries.call(map)) {
    try {
      state.write(state, key);
    } catch (error) {
      throw refusedWithin(error, `.keys()[${place}]`);
    }
    try {
      state.write(state, value);
    } catch (error) {
      throw refusedWithin(error, () => mapStep(key));
    }
    place++;
  }
  finishList(state);
}

function writeSet(state: EncodeState, set: ReadonlySet<unknown>): void {
  expectBare(set, Set.prototype);
  state.writer.byte(SET);
  state.enter();
  let place = 0;
  for (const member of Set.prototype.values.call(set)) {
    try {
      state.write(state, member);
    } catch (error) {
      throw refusedWithin(error, `.values()[${place}]`);
    }
    place++;
  }
  finishList(state);
}

function finishList(state: EncodeState): void {
  state.writer.ensure(1);
  state.writer.byte(END);
  state.leave();
}

function writeDate(state: EncodeState, date: Date): void {
  expectBare(date, Date.prototype);
  state.writer.byte(DATE);
  state.writer.float64(Date.prototype.getTime.call(date));
}

function writeRegExp(state: EncodeState, pattern: RegExp): void {
  expectBare(pattern, RegExp.prototype);
  state.writer.byte(REGEXP);
  writeString(state.writer, pattern.source);
  writeString(state.writer, pattern.flags);
}

function writeBoxed(state: EncodeState, value: object): void {
  const primitive: unknown = unbox(value);
  expectBox(value, primitive);
  state.writer.byte(BOXED);
  state.write(state, primitive);
}

function unbox(value: object): unknown {
  if (types.isNumberObject(value)) return Number.prototype.valueOf.call(value);
  if (types.isStringObject(value)) return String.prototype.valueOf.call(value);
  if (types.isBooleanObject(value)) return Boolean.prototype.valueOf.call(value);
  if (types.isBigIntObject(value)) return BigInt.prototype.valueOf.call(value);
  throw new Refusal('is a symbol', 'Send a string instead.');
}

function expectBox(value: object, primitive: unknown): void {
  const own: object = Object.getPrototypeOf(Object(primitive));
  if (!isBuiltinPrototype(Object.getPrototypeOf(value), own)) throw cannotTravel(value);
  // The characters of a String object are properties too.
  const characters = typeof primitive === 'string' ? primitive.length : 0;
  refuseKeys(value, Object.keys(value).slice(characters));
}
