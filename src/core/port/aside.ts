import type { Writer } from '../../store/codec/index.ts';

/** Memory for records that are written aside; more is made as they need it. */
const ASIDE_BYTES = 16 * 1024;

/** A record that waits until those written aside are carried out. */
export interface OpenRecord {
  readonly writer: Pick<Writer, 'bytes' | 'view' | 'pos' | 'limit' | 'refs' | 'buffers' | 'moved'>;
  readonly recordStart: number;
}

/** Gives `writer` fresh memory for records that are written aside; what it gives, `stepBack` takes. */
export function stepAside(writer: Writer, recordStart: number): OpenRecord {
  const { bytes, view, pos, limit, refs, buffers, moved } = writer;
  const scratch = new Uint8Array(ASIDE_BYTES);
  const fresh = {
    bytes: scratch,
    view: new DataView(scratch.buffer),
    pos: 0,
    limit: ASIDE_BYTES,
    refs: [],
    buffers: [],
  };
  Object.assign(writer, fresh);
  return { writer: { bytes, view, pos, limit, refs, buffers, moved }, recordStart };
}

/** `writer` goes on with the record that waited; gives where that begins. */
export function stepBack(writer: Writer, outer: OpenRecord): number {
  Object.assign(writer, outer.writer);
  return outer.recordStart;
}
