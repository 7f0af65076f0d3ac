import type { Change } from '../gcs/shard/index.ts';
import { malformed } from '../transport/errors.ts';
import type { Kind, Reader } from '../transport/messages/kinds.ts';

/** seq, whether there is a record, whether it has a value, length of the key, length of the value. */
const RECORD = 8 + 1 + 2 + 4;
const KEY = 2;
const LONGEST_KEY = 1024;

const absent = 0;
const deleted = 1;
const present = 2;

/** A view of what the frame has: the frame is a Buffer, or becomes one without a copy. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

export function sizeOf(change: Change | null): number {
  return change === null ? RECORD : RECORD + change.key.length + (change.value?.length ?? 0);
}

function writeChange(bytes: Buffer, start: number, change: Change | null): number {
  const at = start + RECORD;
  if (change === null) {
    bytes.fill(absent, start, at);
    return at;
  }
  const { seq, key, value } = change;
  bytes.writeDoubleLE(seq, start);
  bytes[start + 8] = value === null ? deleted : present;
  bytes.writeUInt16LE(key.length, start + 9);
  bytes.writeUInt32LE(value?.length ?? 0, start + 11);
  bytes.set(key, at);
  if (value !== null) bytes.set(value, at + key.length);
  return at + key.length + (value?.length ?? 0);
}

function take(reader: Reader, count: number): number {
  const { at } = reader;
  if (count > reader.end - at) throw malformed(`A record of ${count} bytes has only ${reader.end - at} left`);
  reader.at = at + count;
  return at;
}

function readChange(bytes: Buffer, reader: Reader): Change | null {
  const head = take(reader, RECORD);
  const state = bytes[head + 8] as number;
  const keyLength = bytes.readUInt16LE(head + 9);
  const valueLength = bytes.readUInt32LE(head + 11);
  if (state > present || keyLength > LONGEST_KEY || (state !== present && valueLength > 0))
    throw malformed('A record of the control store has a head that none has');
  if (state === absent) {
    if (keyLength > 0) throw malformed('A record that is not there has a key');
    return null;
  }
  const seq = bytes.readDoubleLE(head);
  if (!Number.isSafeInteger(seq) || seq < 0) throw malformed('A record has a number that is none');
  // Copies: the frame is its channel's again when its handler has returned.
  const key = Buffer.from(bytes.subarray(take(reader, keyLength), reader.at));
  const value = Buffer.from(bytes.subarray(take(reader, valueLength), reader.at));
  return { seq, key, value: state === deleted ? null : value };
}

/** Records up to the end of the frame: seq, state, key, value. What is not there has a place, too. */
export const recordsOrNone: Kind<readonly (Change | null)[]> = {
  size: (changes) => changes.reduce((sum, change) => sum + sizeOf(change), 0),
  write(into, start, changes) {
    const bytes = bufferOf(into);
    return changes.reduce((at, change) => writeChange(bytes, at, change), start);
  },
  read(reader) {
    const bytes = bufferOf(reader.bytes);
    const changes: (Change | null)[] = [];
    while (reader.at < reader.end) changes.push(readChange(bytes, reader));
    return changes;
  },
};

/** The same, and each is there. */
export const records: Kind<readonly Change[]> = {
  size: recordsOrNone.size,
  write: recordsOrNone.write,
  read(reader) {
    const changes = recordsOrNone.read(reader);
    if (changes.includes(null)) throw malformed('A record is missing');
    return changes as readonly Change[];
  },
};

/** Keys up to the end of the frame, each behind its length. */
export const keys: Kind<readonly Buffer[]> = {
  size(value) {
    let size = 0;
    for (const { length } of value) {
      if (length === 0 || length > LONGEST_KEY) throw malformed(`A key of ${length} bytes`);
      size += KEY + length;
    }
    return size;
  },
  write(into, start, value) {
    const bytes = bufferOf(into);
    let at = start;
    for (const key of value) {
      bytes.writeUInt16LE(key.length, at);
      bytes.set(key, at + KEY);
      at += KEY + key.length;
    }
    return at;
  },
  read(reader) {
    const bytes = bufferOf(reader.bytes);
    const found: Buffer[] = [];
    while (reader.at < reader.end) {
      const length = bytes.readUInt16LE(take(reader, KEY));
      if (length === 0 || length > LONGEST_KEY) throw malformed(`A key of ${length} bytes`);
      found.push(Buffer.from(bytes.subarray(take(reader, length), reader.at)));
    }
    return found;
  },
};

/** Whether something is so: one byte, 0 or 1. */
export const flag: Kind<boolean> = {
  size: () => 1,
  write(bytes, at, value) {
    bytes[at] = value ? 1 : 0;
    return at + 1;
  },
  read(reader) {
    const value = reader.bytes[take(reader, 1)] as number;
    if (value > 1) throw malformed(`${value} is neither yes nor no`);
    return value === 1;
  },
};
