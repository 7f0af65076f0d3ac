import { errorTypes } from './error-types.ts';
import { damaged, type Reader } from './reader.ts';
import type { Read } from './shape-factories.ts';
import { END } from './tags.ts';

/** Reads an error of the built-in class it was nearest to. */
export function readError(reader: Reader, read: Read): Error {
  const type = errorTypes[reader.byte()];
  if (type === undefined) throw damaged('no such class of errors');
  const error = withoutStack(type.make);
  reader.track(error);
  reader.enter();
  const name = read(reader);
  if (name !== undefined) define(error, 'name', name, false);
  // A stack or list of errors the sender's error did not have must not appear here.
  Reflect.deleteProperty(error, 'stack');
  Reflect.deleteProperty(error, 'errors');
  while (reader.peek() !== END) {
    const key = reader.string();
    const enumerable = read(reader) === true;
    define(error, key, read(reader), enumerable);
  }
  reader.byte();
  reader.leave();
  return error;
}

/** Reads a DOMException; its code follows from its name. */
export function readDomException(reader: Reader, read: Read): DOMException {
  const place = reader.reserve();
  reader.enter();
  const [name, message, stack, cause] = [read(reader), read(reader), read(reader), read(reader)];
  reader.leave();
  const error = withoutStack(() => new DOMException(String(message), String(name)));
  define(error, 'stack', stack, false);
  if (cause !== undefined) define(error, 'cause', cause, false);
  reader.fill(place, error);
  return error;
}

function define(error: Error, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, key, { value, enumerable, configurable: true, writable: true });
}

/** Recording a stack that is about to be replaced is most of what making an error costs. */
function withoutStack<E extends Error>(make: () => E): E {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = limit;
  }
}
