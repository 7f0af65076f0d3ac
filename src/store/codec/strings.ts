import { BufferCache } from './buffer-methods.ts';
import { FEW, readFew } from './short-strings.ts';
import { LATIN1, SHORT_STRING_LENGTHS, STRING_SHORT, UTF16 } from './tags.ts';
import type { Writer } from './writer.ts';

const written = new BufferCache();
const read = new BufferCache();

/** Up to here a loop over the characters beats a call into Buffer. */
const LOOP_LENGTH = 24;
/** V8 answers this without looking at the characters when the string is stored in one byte each. */
const BEYOND_LATIN1 = /[^\0-\xff]/;

/** Writes a string: one byte a character where all fit, else UTF-16 as it is, lone surrogates included. */
export function writeString(writer: Writer, text: string): void {
  const length = text.length;
  if (length > LOOP_LENGTH) {
    writeLongString(writer, text);
    return;
  }
  writer.ensure(1 + length);
  const bytes = writer.bytes;
  const start = writer.pos;
  let pos = start + 1;
  let seen = 0;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    seen |= unit;
    bytes[pos++] = unit;
  }
  if (seen > 0xff) {
    writeUtf16(writer, text);
    return;
  }
  bytes[start] = STRING_SHORT + length;
  writer.pos = pos;
}

function writeLongString(writer: Writer, text: string): void {
  if (BEYOND_LATIN1.test(text)) {
    writeUtf16(writer, text);
    return;
  }
  const length = text.length;
  writer.ensure(9 + length);
  if (length < SHORT_STRING_LENGTHS) {
    writer.byte(STRING_SHORT + length);
  } else {
    writer.byte(LATIN1);
    writer.varint(length);
  }
  written.over(writer.bytes).latin1Write(text, writer.pos, length);
  writer.pos += length;
}

function writeUtf16(writer: Writer, text: string): void {
  const byteLength = text.length * 2;
  writer.ensure(9 + byteLength);
  writer.byte(UTF16);
  writer.varint(byteLength);
  written.over(writer.bytes).ucs2Write(text, writer.pos, byteLength);
  writer.pos += byteLength;
}

/** Reads `length` one-byte characters at `pos`. */
export function readLatin1(bytes: Uint8Array, pos: number, length: number): string {
  return length > FEW ? read.over(bytes).latin1Slice(pos, pos + length) : readFew(bytes, pos, length);
}

/** Reads `byteLength` bytes of UTF-16 at `pos`. */
export function readUtf16(bytes: Uint8Array, pos: number, byteLength: number): string {
  return read.over(bytes).ucs2Slice(pos, pos + byteLength);
}
