import type { Writer } from '../../store/codec/index.ts';
import { LINKED } from './wire.ts';

/** A buffer in the object store. */
export interface StoredBuffer {
  readonly id: number;
  readonly byteLength: number;
}

/** Writes a 32-bit number. */
export function writeWord(writer: Writer, value: number): void {
  writer.ensure(4);
  writer.view.setUint32(writer.pos, value, true);
  writer.pos += 4;
}

/** Writes a list of indices after its length. */
export function writeList(writer: Writer, list: readonly number[]): void {
  writer.ensure(4 + list.length * 4);
  const view = writer.view;
  let pos = writer.pos;
  view.setUint32(pos, list.length, true);
  pos += 4;
  for (const item of list) {
    view.setUint32(pos, item, true);
    pos += 4;
  }
  writer.pos = pos;
}

/** Writes text in UTF-8, after its length in bytes. */
export function writeText(writer: Writer, text: string): void {
  const bytes = Buffer.from(text);
  writeWord(writer, bytes.length);
  writer.ensure(bytes.length);
  writer.bytes.set(bytes, writer.pos);
  writer.pos += bytes.length;
}

/**
 * Ends a value: writes the lists that follow its bytes, and its length word. `mark` is where that word stands, as
 * `pos - moved` was before the value was written.
 */
export function endValue(writer: Writer, mark: number, buffers: readonly StoredBuffer[]): void {
  const refs = writer.refs;
  if (refs.length === 0 && buffers.length === 0) {
    const at = mark + writer.moved;
    writer.view.setUint32(at, writer.pos - at - 4, true);
    return;
  }
  writer.ensure(8 + refs.length * 4 + buffers.length * 12);
  const at = mark + writer.moved;
  writer.view.setUint32(at, ((writer.pos - at - 4) | LINKED) >>> 0, true);
  writeList(writer, refs);
  writer.view.setUint32(writer.pos, buffers.length, true);
  writer.pos += 4;
  for (const { id, byteLength } of buffers) {
    writer.view.setUint32(writer.pos, id, true);
    writer.view.setBigUint64(writer.pos + 4, BigInt(byteLength), true);
    writer.pos += 12;
  }
  refs.length = 0;
}
