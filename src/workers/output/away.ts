import type { OutputSource } from '../../common/output-source.ts';

/** What a thread leaves for another process: each piece with the name of what wrote it before it. */

/** Most bytes of one piece, without the name. */
export const AWAY_BYTES: number = 16 * 1024;
/** Most characters of a task's name. */
const NAME_CHARACTERS = 100;
const LENGTH_BYTES = 2;

/** A source in bytes. */
export function tagOf({ job, task, name }: OutputSource): Uint8Array {
  return Buffer.from(JSON.stringify([job, task, plainName(name)]));
}

/** A name for people, on one line. */
function plainName(name: string): string {
  // A character of two halves stays whole.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is meant.
  return [...name.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')].slice(0, NAME_CHARACTERS).join('');
}

/** A piece behind its tag. */
export function tagged(tag: Uint8Array, piece: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES + tag.length + piece.length);
  bytes.writeUInt16LE(tag.length);
  bytes.set(tag, LENGTH_BYTES);
  bytes.set(piece, LENGTH_BYTES + tag.length);
  return bytes;
}

/** A piece that was left with its tag. */
export function untagged(bytes: Buffer): { readonly source: OutputSource; readonly data: Buffer } {
  const end = LENGTH_BYTES + bytes.readUInt16LE();
  const [job, task, name] = JSON.parse(bytes.toString('utf8', LENGTH_BYTES, end)) as [number, string, string];
  return { source: { job, task, name }, data: bytes.subarray(end) };
}
