import { types } from 'node:util';
import type { Serializer } from 'node:v8';
import { Refusal } from './refusal.ts';

/** Absent from the ES2023 types, though Node 20 has it. */
interface Resizable {
  readonly resizable?: boolean;
  readonly growable?: boolean;
  readonly maxByteLength?: number;
}

/** How far a resizable ArrayBuffer, or a growable SharedArrayBuffer, may grow; undefined for all others. */
export function maxByteLength(buffer: ArrayBufferLike): number | undefined {
  const { resizable, growable, maxByteLength: max } = buffer as Resizable;
  return resizable === true || growable === true ? max : undefined;
}

/** V8's mark in the last byte of a serialized view. */
const LENGTH_TRACKING = 1;

interface SharingSerializer extends Serializer {
  _getSharedArrayBufferId(): number;
}

/**
 * Whether a view of a resizable buffer follows the buffer's length. JavaScript has no way to ask: only V8's serializer tells, which
 * is kept from reading the bytes. It refuses a view that lies beyond the end of its buffer, and so do we.
 */
export function tracksLength(view: ArrayBufferView): boolean {
  // Loaded here: few programs have such views, and it takes milliseconds.
  const v8 = process.getBuiltinModule('node:v8');
  const serializer = new v8.Serializer() as SharingSerializer;
  const { buffer } = view;
  if (types.isSharedArrayBuffer(buffer)) serializer._getSharedArrayBufferId = () => 0;
  else serializer.transferArrayBuffer(0, buffer as ArrayBuffer);
  try {
    serializer.writeValue(view);
  } catch {
    throw new Refusal(
      'is a view that lies beyond the end of its resizable buffer',
      'Send it before the buffer is made shorter, or leave it out.',
    );
  }
  const bytes = serializer.releaseBuffer();
  return ((bytes.at(-1) as number) & LENGTH_TRACKING) !== 0;
}
