import { Blob, File } from 'node:buffer';
import { types } from 'node:util';

/** Classes of Node's own whose instances another thread of the process can have, by name: most are seldom loaded. */
const classes = new Set([
  'Blob',
  'File',
  'Module',
  'X509Certificate',
  'BlockList',
  'SocketAddress',
  'Histogram',
  'RecordableHistogram',
]);

/** Whether an object is one that threads share as it is, because nothing but its identity can be copied. */
export function isSharedByThreads(value: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(value);
  const name: unknown = prototype?.constructor?.name;
  const may = types.isKeyObject(value) || types.isCryptoKey(value) || classes.has(String(name));
  if (!may || Object.keys(value).length > 0) return false;
  try {
    // An instance of a user's class of that name arrives as a plain object.
    const clone: object | null = Object.getPrototypeOf(structuredClone(value));
    return clone === prototype || (prototype === File.prototype && clone === Blob.prototype);
  } catch {
    return false;
  }
}
