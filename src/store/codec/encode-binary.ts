import { types } from 'node:util';
import { BinaryTable } from './binary-table.ts';
import type { EncodeState } from './encode-state.ts';
import { extraKeys } from './extra-keys.ts';
import { isBuiltinPrototype } from './realm.ts';
import { cannotTravel, Refusal, refuseKeys } from './refusal.ts';
import { maxByteLength, tracksLength } from './resizable.ts';
import { BUFFER, TRACKS_LENGTH, VIEW } from './tags.ts';
import { viewKind, viewTypes } from './view-types.ts';

/** Writes an ArrayBuffer or SharedArrayBuffer; its bytes go to the table of parts. */
export function writeArrayBuffer(state: EncodeState, buffer: ArrayBufferLike): void {
  const own = types.isSharedArrayBuffer(buffer) ? SharedArrayBuffer.prototype : ArrayBuffer.prototype;
  if (!isBuiltinPrototype(Object.getPrototypeOf(buffer), own)) throw cannotTravel(buffer);
  refuseKeys(buffer, Object.keys(buffer));
  refuseDetached(buffer);
  state.writer.byte(BUFFER);
  state.binary ??= new BinaryTable();
  state.binary.writePart(state.writer, buffer, 0, buffer.byteLength);
}

/** Writes a typed array, Buffer or DataView: its class, its part, and the range it covers. */
export function writeView(state: EncodeState, view: ArrayBufferView): void {
  const kind = viewKind(view);
  const type = viewTypes[kind];
  if (type === undefined) throw cannotTravel(view);
  refuseDetached(view.buffer);
  const { buffer } = view;
  const resizable = maxByteLength(buffer) !== undefined;
  const tracks = resizable && tracksLength(view);
  const { byteOffset, byteLength } = view;
  const length = byteLength / type.size;
  const label = type.name === 'Buffer' ? `Buffer(${length}) [Uint8Array] ` : `${type.name}(${length}) `;
  refuseKeys(view, type.name === 'DataView' ? Object.keys(view) : extraKeys(view, length, label));
  const writer = state.writer;
  writer.byte(VIEW);
  writer.byte(tracks ? kind | TRACKS_LENGTH : kind);
  state.binary ??= new BinaryTable();
  // A resizable buffer stays one, so it travels whole.
  if (resizable) state.binary.writePart(writer, buffer, 0, buffer.byteLength);
  else state.binary.writePart(writer, buffer, byteOffset, byteOffset + byteLength);
  writer.varint(byteOffset);
  if (!tracks) writer.varint(length);
}

function refuseDetached(buffer: ArrayBufferLike): void {
  if (buffer.byteLength !== 0) return;
  try {
    new Uint8Array(buffer);
  } catch {
    throw new Refusal('is an ArrayBuffer that was transferred away', 'Send it before transferring it, or send a copy.');
  }
}
