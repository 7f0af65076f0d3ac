import { types } from 'node:util';
import type { EncodeHooks } from './hooks.ts';
import { maxByteLength } from './resizable.ts';
import { PART_INLINE, PART_OUT_OF_BAND, PART_RESIZABLE, PART_SHARED } from './tags.ts';
import type { Writer } from './writer.ts';

/** Element sizes divide this, so ranges that start at a multiple of it keep every view aligned. */
const ALIGNMENT = 8;

interface Part {
  readonly buffer: ArrayBufferLike;
  readonly place: number;
  /** The range that is to travel. */
  start: number;
  end: number;
}

/**
 * The ArrayBuffers of one value. Which range of a buffer has to travel is known only when all views of it were met,
 * so views name a part by its place in a table, and the table follows the value: a lone view ships its own range, a few
 * views of one buffer ship the hull of their ranges once, and only an ArrayBuffer that is itself in the value
 * ships whole. So two slices of Buffer's pool still share memory after decoding, yet bring no stranger's bytes along.
 */
export class BinaryTable {
  readonly #parts: Map<ArrayBufferLike, Part> = new Map();
  #slotMark = -1;

  /** Writes the place of the part for `buffer`, which has to hold the bytes from `start` to `end`. */
  writePart(writer: Writer, buffer: ArrayBufferLike, start: number, end: number): void {
    let part = this.#parts.get(buffer);
    if (part === undefined) {
      part = { buffer, place: this.#parts.size, start, end };
      this.#parts.set(buffer, part);
    } else {
      part.start = Math.min(part.start, start);
      part.start -= part.start % ALIGNMENT;
      part.end = Math.max(part.end, end);
    }
    writer.varint(part.place);
    if (this.#slotMark >= 0) return;
    // The first to name a part also says how far behind it the table is.
    writer.ensure(4);
    this.#slotMark = writer.pos - writer.moved;
    writer.pos += 4;
  }

  /** Writes the table, and moves what is large to `writer.buffers`. */
  finish(writer: Writer, hooks: EncodeHooks): void {
    const slot = this.#slotMark + writer.moved;
    writer.view.setUint32(slot, writer.pos - slot, true);
    writer.varint(this.#parts.size);
    for (const part of this.#parts.values()) this.#finishPart(writer, hooks, part);
  }

  #finishPart(writer: Writer, hooks: EncodeHooks, { buffer, start, end }: Part): void {
    const length = end - start;
    writer.ensure(1);
    if (types.isSharedArrayBuffer(buffer)) {
      writer.byte(PART_SHARED);
      writeShared(writer, hooks, buffer);
      return;
    }
    const room = length === buffer.byteLength ? maxByteLength(buffer) : undefined;
    if (room === undefined && (length >= hooks.outOfBandBytes || hooks.livesInStore?.(buffer) === true)) {
      writer.byte(PART_OUT_OF_BAND);
      writer.varint(start);
      writer.varint(length);
      writer.buffers.push({ buffer, byteOffset: start, byteLength: length });
      return;
    }
    writer.byte(room === undefined ? PART_INLINE : PART_RESIZABLE);
    if (room !== undefined) writer.varint(room);
    writer.varint(start);
    writer.varint(length);
    writer.ensure(length);
    writer.bytes.set(new Uint8Array(buffer, start, length), writer.pos);
    writer.pos += length;
  }
}

/** Writes the index of the ref that stands for something threads share. */
export function writeShared(writer: Writer, hooks: EncodeHooks, thing: object): void {
  const index = hooks.share(thing);
  writer.varint(index);
  writer.refs.push(index);
}
