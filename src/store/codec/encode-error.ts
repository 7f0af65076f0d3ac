import type { EncodeState } from './encode-state.ts';
import { errorKind, errorTypes, hiddenKeys } from './error-types.ts';
import { propertyStep, Refusal, refusedWithin, refuseKeys } from './refusal.ts';
import { writeString } from './strings.ts';
import { DOM_EXCEPTION, END, ERROR } from './tags.ts';

/**
 * Writes an error: its nearest built-in class, the `name` it has from its own class if that differs, and its
 * properties, each with whether it is enumerable.
 */
export function writeError(state: EncodeState, error: Error): void {
  const kind = errorKind(error);
  const writer = state.writer;
  writer.byte(ERROR);
  writer.ensure(1);
  writer.byte(kind);
  state.enter();
  const name: unknown = Object.hasOwn(error, 'name') ? undefined : error.name;
  const inherited = typeof name === 'string' && name !== errorTypes[kind]?.prototype.name;
  state.write(state, inherited ? name : undefined);
  for (const key of hiddenKeys) {
    if (Object.hasOwn(error, key)) writeProperty(state, error, key);
  }
  for (const key of Object.keys(error)) {
    if (!hiddenKeys.includes(key)) writeProperty(state, error, key);
  }
  refuseSymbols(error);
  writer.ensure(1);
  writer.byte(END);
  state.leave();
}

function writeProperty(state: EncodeState, error: Error, key: string): void {
  writeString(state.writer, key);
  state.write(state, Object.prototype.propertyIsEnumerable.call(error, key));
  try {
    state.write(state, Reflect.get(error, key));
  } catch (refused) {
    throw refusedWithin(refused, () => propertyStep(key));
  }
}

/** Node marks its own errors with hidden symbols, which are no part of what an error says. */
function refuseSymbols(error: Error): void {
  const symbol = Object.getOwnPropertySymbols(error).find((key) =>
    Object.prototype.propertyIsEnumerable.call(error, key),
  );
  if (symbol === undefined) return;
  const refusal = new Refusal('is a property whose key is a symbol', 'Use a string as the key, or leave it out.');
  refusal.within(`[${String(symbol)}]`);
  throw refusal;
}

/** Writes a DOMException, such as the AbortError of an aborted signal. Its code follows from its name. */
export function writeDomException(state: EncodeState, error: DOMException): void {
  refuseKeys(error, Object.keys(error));
  state.writer.byte(DOM_EXCEPTION);
  state.enter();
  for (const part of [error.name, error.message, error.stack, error.cause]) state.write(state, part);
  state.leave();
}
