import type { EncodeState } from './encode-state.ts';
import { otherKeys, writeKey } from './error-keys.ts';
import { errorKind, errorTypes, hiddenKeys } from './error-types.ts';
import { cannotTravel, propertyStep, refusedWithin } from './refusal.ts';
import { DOM_EXCEPTION, DOM_QUOTA, END, ERROR } from './tags.ts';

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
  finishError(state, error, hiddenKeys);
}

function writeProperty(state: EncodeState, error: Error, key: string | symbol): void {
  try {
    writeKey(state.writer, key);
    state.write(state, Object.prototype.propertyIsEnumerable.call(error, key));
    state.write(state, Reflect.get(error, key));
  } catch (refused) {
    throw refusedWithin(refused, () => propertyStep(key));
  }
}

function finishError(state: EncodeState, error: Error, written: readonly string[]): void {
  for (const key of otherKeys(error, written)) writeProperty(state, error, key);
  state.writer.ensure(1);
  state.writer.byte(END);
  state.leave();
}

interface Quota {
  readonly quota?: unknown;
  readonly requested?: unknown;
}

/** The class of DOMException that has fields of its own; it came with Node 26. */
const quotaError = (globalThis as { readonly QuotaExceededError?: new (message: string, quota: Quota) => DOMException })
  .QuotaExceededError;
/** What a constructor sets that nothing can set later, by the kind of DOMException. */
const madeOf: readonly (readonly string[])[] = [
  ['name', 'message'],
  ['name', 'message', 'quota', 'requested'],
];
const domHidden = ['stack', 'cause'];

/** Writes a DOMException, such as the AbortError of an aborted signal. Its code follows from its name. */
export function writeDomException(state: EncodeState, error: DOMException): void {
  if (!isGenuine(error)) throw cannotTravel(error);
  const kind = quotaError !== undefined && error instanceof quotaError ? DOM_QUOTA : 0;
  const made = madeOf[kind] as readonly string[];
  const { writer } = state;
  writer.byte(DOM_EXCEPTION);
  writer.ensure(1);
  writer.byte(kind);
  state.enter();
  for (const key of made) state.write(state, primitive(Reflect.get(error, key)));
  for (const key of domHidden) {
    if (Object.hasOwn(error, key)) writeProperty(state, error, key);
  }
  finishError(state, error, [...made, ...domHidden]);
}

/** Name and message are strings, unless somebody has put something else in their place. */
function primitive(value: unknown): unknown {
  return typeof value === 'object' || typeof value === 'function' ? String(value) : value;
}

const readCode = Object.getOwnPropertyDescriptor(DOMException.prototype, 'code')?.get;

/** Whether its constructor made it; an object that only inherits from DOMException has no name and message to give. */
function isGenuine(error: DOMException): boolean {
  try {
    readCode?.call(error);
    return true;
  } catch {
    return false;
  }
}

/** A DOMException with the fields that its constructor sets, of which `read` gives the next. */
export function makeDomException(kind: number, read: () => unknown): DOMException {
  const name = String(read());
  const message = String(read());
  if (kind !== DOM_QUOTA) return new DOMException(message, name);
  const quota = { quota: read(), requested: read() };
  return quotaError === undefined ? new DOMException(message, name) : new quotaError(message, quota);
}
