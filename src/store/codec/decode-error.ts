import { makeDomException } from './encode-error.ts';
import { readKey } from './error-keys.ts';
import { bareError, withoutStack } from './error-types.ts';
import { damaged, type Reader } from './reader.ts';
import type { Read } from './shape-factories.ts';
import { END } from './tags.ts';

/** Reads an error of the built-in class it was nearest to. */
export function readError(reader: Reader, read: Read): Error {
  const error = bareError(reader.byte());
  if (error === undefined) throw damaged('no such class of errors');
  reader.track(error);
  reader.enter();
  const name = read(reader);
  if (name !== undefined) define(error, 'name', name, false);
  readProperties(reader, read, error);
  return error;
}

function readProperties(reader: Reader, read: Read, error: Error): void {
  while (reader.peek() !== END) {
    const key = readKey(reader);
    const enumerable = read(reader) === true;
    define(error, key, read(reader), enumerable);
  }
  reader.byte();
  reader.leave();
}

/** Reads a DOMException; its code follows from its name. */
export function readDomException(reader: Reader, read: Read): DOMException {
  const kind = reader.byte();
  const error = withoutStack(() => makeDomException(kind, () => read(reader)));
  reader.track(error);
  reader.enter();
  Reflect.deleteProperty(error, 'stack');
  readProperties(reader, read, error);
  return error;
}

function define(error: Error, key: string | symbol, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, key, { value, enumerable, configurable: true, writable: true });
}
