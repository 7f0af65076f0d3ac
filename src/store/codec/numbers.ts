import { BIGINT, FLOAT64, INT16, INT32 } from './tags.ts';
import type { Writer } from './writer.ts';

/** Room that any number needs. */
export const NUMBER_BYTES = 9;

/** Up to so many bytes of a BigInt, a loop beats a call into Buffer. */
const SMALL_BIGINT = 24;

/** Writes a number where `NUMBER_BYTES` of room are known to be. */
export function writeNumber(writer: Writer, value: number): void {
  const bytes = writer.bytes;
  const pos = writer.pos;
  // `| 0` leaves 32-bit integers as they are; -0 is equal to 0 and must stay a double.
  if ((value | 0) !== value || (value === 0 && 1 / value < 0)) {
    bytes[pos] = FLOAT64;
    writer.view.setFloat64(pos + 1, value, true);
    writer.pos = pos + 9;
  } else if (value >= -32 && value <= 127) {
    bytes[pos] = value;
    writer.pos = pos + 1;
  } else if (value >= -0x8000 && value <= 0x7fff) {
    bytes[pos] = INT16;
    bytes[pos + 1] = value;
    bytes[pos + 2] = value >> 8;
    writer.pos = pos + 3;
  } else {
    bytes[pos] = INT32;
    writer.view.setInt32(pos + 1, value, true);
    writer.pos = pos + 5;
  }
}

/** Writes a BigInt: sign and length in one varint, then the magnitude in bytes, low first. */
export function writeBigint(writer: Writer, value: bigint): void {
  const negative = value < 0n;
  const hex = (negative ? -value : value).toString(16);
  const digits = hex.length % 2 === 0 ? hex : `0${hex}`;
  const length = digits.length / 2;
  writer.ensure(1 + 8 + length);
  writer.byte(BIGINT);
  writer.varint(length * 2 + (negative ? 1 : 0));
  if (length > SMALL_BIGINT) {
    writer.bytes.set(Buffer.from(digits, 'hex').reverse(), writer.pos);
    writer.pos += length;
    return;
  }
  for (let i = digits.length; i > 0; i -= 2) writer.byte(Number.parseInt(digits.slice(i - 2, i), 16));
}

/** Reads the magnitude that `writeBigint` wrote as `length` bytes at `pos`. */
export function readBigint(bytes: Uint8Array, pos: number, length: number, negative: boolean): bigint {
  if (length > SMALL_BIGINT) {
    const large = BigInt(
      `0x${Buffer.from(bytes.subarray(pos, pos + length))
        .reverse()
        .toString('hex')}`,
    );
    return negative ? -large : large;
  }
  let hex = '0x0';
  for (let i = pos + length - 1; i >= pos; i--) hex += (bytes[i] as number).toString(16).padStart(2, '0');
  const magnitude = BigInt(hex);
  return negative ? -magnitude : magnitude;
}
