import { malformed } from '../errors.ts';

/** Where a frame is read. No kind reads past `end`. */
export interface Reader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;
}

/** How one field lies in a frame. */
export interface Kind<T> {
  /** The bytes that `value` takes. Throws where a frame cannot carry it. */
  size(value: T): number;
  /** Gives where the value ends. */
  write(bytes: Uint8Array, at: number, value: T): number;
  /** Throws `ERR_MOBULA_FRAME` where the frame ends too soon or has no such value. */
  read(reader: Reader): T;
}

/** Moves past `count` bytes; gives where they begin. */
function take(reader: Reader, count: number): number {
  const at = reader.at;
  if (count > reader.end - at) throw malformed(`A field of ${count} bytes has only ${reader.end - at} left`);
  reader.at = at + count;
  return at;
}

function readWhole(bytes: Uint8Array, at: number, size: number): number {
  let low = 0;
  let high = 0;
  for (let i = Math.min(size, 4) - 1; i >= 0; i -= 1) low = (low << 8) | (bytes[at + i] as number);
  for (let i = size - 1; i >= 4; i -= 1) high = (high << 8) | (bytes[at + i] as number);
  return high * 0x1_0000_0000 + (low >>> 0);
}

function writeWhole(bytes: Uint8Array, at: number, size: number, value: number): number {
  for (let i = 0, low = value >>> 0; i < size && i < 4; i += 1, low >>>= 8) bytes[at + i] = low;
  for (let i = 4, high = Math.floor(value / 0x1_0000_0000); i < size; i += 1, high >>>= 8) bytes[at + i] = high;
  return at + size;
}

function writeBytes(bytes: Uint8Array, at: number, value: Uint8Array): number {
  bytes.set(value, at);
  return at + value.length;
}

/** Whole numbers from 0 up to and including `most`, low byte first. */
function whole(size: number, most: number): Kind<number> {
  return {
    size(value) {
      if (!Number.isInteger(value) || value < 0 || value > most) throw malformed(`${value} is not in 0 … ${most}`);
      return size;
    },
    write: (bytes, at, value) => writeWhole(bytes, at, size, value),
    read(reader) {
      const value = readWhole(reader.bytes, take(reader, size), size);
      if (value > most) throw malformed(`${value} is above ${most}`);
      return value;
    },
  };
}

export const u8: Kind<number> = whole(1, 0xff);
export const u16: Kind<number> = whole(2, 0xffff);
export const u32: Kind<number> = whole(4, 0xffffffff);
/** A number that rises for as long as a process lives. */
export const u53: Kind<number> = whole(7, Number.MAX_SAFE_INTEGER);

/** Exactly `count` bytes. */
export function fixedBytes(count: number): Kind<Uint8Array> {
  return {
    size(value) {
      if (value.length !== count) throw malformed(`${value.length} bytes where ${count} belong`);
      return count;
    },
    write: writeBytes,
    read(reader) {
      const at = take(reader, count);
      return reader.bytes.subarray(at, at + count);
    },
  };
}

/** Up to `most` bytes, behind their number. What is read is a view of the frame. */
export function bytesUpTo(most: number): Kind<Uint8Array> {
  return {
    size(value) {
      if (value.length > most) throw malformed(`${value.length} bytes where at most ${most} belong`);
      return 4 + value.length;
    },
    write: (bytes, at, value) => writeBytes(bytes, writeWhole(bytes, at, 4, value.length), value),
    read(reader) {
      const count = u32.read(reader);
      if (count > most) throw malformed(`${count} bytes where at most ${most} belong`);
      const at = take(reader, count);
      return reader.bytes.subarray(at, at + count);
    },
  };
}

/** All bytes up to the end of the frame: the last field. What is read is a view of the frame. */
export const rest: Kind<Uint8Array> = {
  size: (value) => value.length,
  write: writeBytes,
  read(reader) {
    const at = take(reader, reader.end - reader.at);
    return reader.bytes.subarray(at, reader.end);
  },
};

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text of up to `most` bytes of UTF-8. */
export function textUpTo(most: number): Kind<string> {
  const bytes = bytesUpTo(most);
  return {
    size: (value) => bytes.size(encoder.encode(value)),
    write: (into, at, value) => bytes.write(into, at, encoder.encode(value)),
    read(reader) {
      const read = bytes.read(reader);
      try {
        return decoder.decode(read);
      } catch (cause) {
        throw malformed(`Text is not UTF-8 (${(cause as Error).message})`);
      }
    },
  };
}

/** The id of a node: eight bytes, as 16 hexadecimal digits in lower case. */
export const nodeId: Kind<string> = {
  size(value) {
    if (!/^[0-9a-f]{16}$/.test(value)) throw malformed(`'${value}' is not the id of a node`);
    return 8;
  },
  write: (bytes, at, value) => writeBytes(bytes, at, Buffer.from(value, 'hex')),
  read(reader) {
    const at = take(reader, 8);
    return Buffer.from(reader.bytes.buffer, reader.bytes.byteOffset + at, 8).toString('hex');
  },
};
