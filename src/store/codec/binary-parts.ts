import { types } from 'node:util';
import { type DecodedPart, type DecodedParts, damaged, type Reader } from './reader.ts';
import { PART_INLINE, PART_OUT_OF_BAND, PART_RESIZABLE, PART_SHARED } from './tags.ts';

interface ResizableConstructor {
  new (length: number, options: { maxByteLength: number }): ArrayBuffer;
}

/** The table of parts at the end of a value. */
class BinaryParts implements DecodedParts {
  readonly #parts: readonly DecodedPart[];

  /** Reads the table, which starts at `pos`, and leaves the reader where it was. */
  constructor(reader: Reader, pos: number) {
    const back = reader.pos;
    if (pos > reader.end) throw damaged('cut short');
    reader.pos = pos;
    const count = reader.varint();
    const parts: DecodedPart[] = [];
    let outOfBand = 0;
    while (parts.length < count) {
      const kind = reader.byte();
      if (kind === PART_OUT_OF_BAND) {
        const base = reader.varint();
        reader.varint();
        parts.push({ buffer: reader.hooks.buffer(outOfBand++), base });
      } else {
        parts.push(readPart(reader, kind));
      }
    }
    this.#parts = parts;
    reader.pos = back;
  }

  at(place: number): DecodedPart {
    const part = this.#parts[place];
    if (part === undefined) throw damaged('no such binary part');
    return part;
  }
}

function readPart(reader: Reader, kind: number): DecodedPart {
  if (kind === PART_SHARED) {
    const memory = reader.hooks.shared(reader.varint());
    if (!types.isSharedArrayBuffer(memory)) throw damaged('no shared memory');
    return { buffer: memory, base: 0 };
  }
  if (kind !== PART_INLINE && kind !== PART_RESIZABLE) throw damaged('no such kind of binary part');
  const maxByteLength = kind === PART_RESIZABLE ? reader.varint() : undefined;
  const base = reader.varint();
  const length = reader.varint();
  const start = reader.take(length);
  const buffer =
    maxByteLength === undefined
      ? new ArrayBuffer(length)
      : new (ArrayBuffer as unknown as ResizableConstructor)(length, { maxByteLength });
  new Uint8Array(buffer).set(reader.bytes.subarray(start, start + length));
  return { buffer, base };
}

/** Reads which part a value lies in; the first to name one also says where the table is. */
export function readPartOf(reader: Reader): DecodedPart {
  const place = reader.varint();
  if (reader.parts === undefined) {
    const slot = reader.take(4);
    reader.parts = new BinaryParts(reader, slot + reader.view.getUint32(slot, true));
  }
  return reader.parts.at(place);
}
