import { ObjectStoreFullError, SerializationError } from '../../common/errors.ts';

/** What a thread's memory for commands and for news takes at least. */
export const COMMAND_BYTES: number = 64 * 1024;
export const INBOX_BYTES: number = 256 * 1024;
/** The bytes of a record, whose values have lengths of 31 bits; an inbox has to hold them, and what goes before. */
const MAX_RECORD_BYTES = 2 ** 31 - 2 ** 16;
/** Memory is given back after so many sleeps of the thread in which a quarter of it would have done. */
const SLEEPS = 16;

/** How much of a thread's shared memory is in use, so that what a peak took can be given back. */
export class Peaks {
  #sleeps = 0;
  #commands = 0;
  #news = 0;

  /** So many bytes of commands are carried out. */
  commands(bytes: number): void {
    if (bytes > this.#commands) this.#commands = bytes;
  }

  /** So many bytes of news have come. */
  news(bytes: number): void {
    if (bytes > this.#news) this.#news = bytes;
  }

  /** The thread goes to sleep: now and then, what was needed at the most since the last time. */
  asleep(): { readonly commands: number; readonly news: number } | undefined {
    if (++this.#sleeps % SLEEPS !== 0) return undefined;
    const most = { commands: this.#commands, news: this.#news };
    this.#commands = 0;
    this.#news = 0;
    return most;
  }
}

/** Whether memory of `size` bytes is much more than the `most` that was needed. */
export function isWide(size: number, least: number, most: number): boolean {
  return size > least && most * 4 <= size;
}

const smaller =
  'Send it in parts, or its large contents as ArrayBuffers, which lie in the object store and do not count.';

/** Refuses a record of so many bytes if it is too large. */
export function checkRecord(bytes: number): void {
  if (bytes <= MAX_RECORD_BYTES) return;
  throw new SerializationError('value', 'takes 2 GiB or more when it is encoded', smaller);
}

/** Twice `size`, or twice that, until `least` fits. */
export function grown(size: number, least: number): number {
  let grown = size;
  while (grown < least) grown *= 2;
  return grown;
}

/** Shared memory of `size` bytes. */
export function allocate(size: number): Uint8Array {
  try {
    return new Uint8Array(new SharedArrayBuffer(size));
  } catch {
    throw new ObjectStoreFullError(`There is no memory for the ${size / 2 ** 20} MiB of an encoded value. ${smaller}`);
  }
}
