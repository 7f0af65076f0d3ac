import type { Part } from '../output/lines.ts';
import type { Lost } from '../output/window.ts';
import { entry } from './entries.ts';
import { type EntryReader, type EntryWriter, malformed } from './entry.ts';

/** Most bytes of one OUTPUT: a line that waited for its end, and what came behind it. */
export const OUTPUT_BYTES: number = 64 * 1024;
const MOST = 0xffffffff;

export function writeOutput(to: EntryWriter, { source, stream, data }: Part): void {
  to.begin(entry.output);
  to.u32(source.job);
  to.u8(stream === 'stdout' ? 1 : 2);
  to.text(source.task);
  to.text(source.name);
  to.blob(data);
  to.end();
}

/** The data is a copy. */
export function readOutput(from: EntryReader): Part {
  const [job, stream, task, name, data] = [from.u32(), from.u8(), from.text(), from.text(), from.blob()];
  from.end();
  if (stream !== 1 && stream !== 2) throw malformed(`a stream ${stream}`);
  if (data.length > OUTPUT_BYTES) throw malformed(`${data.length} bytes of output`);
  return { source: { job, task, name }, stream: stream === 1 ? 'stdout' : 'stderr', data: new Uint8Array(data) };
}

/** What a driver says of the output that it was sent: bytes that have arrived since it last did, and bytes that were printed. */
export interface Heard {
  readonly job: number;
  readonly arrived: number;
  readonly printed: number;
}

export function writeHeard(to: EntryWriter, { job, arrived, printed }: Heard): void {
  to.begin(entry.heard);
  to.u32(job);
  to.u32(arrived);
  to.u32(printed);
  to.end();
}

export function readHeard(from: EntryReader): Heard {
  const read = { job: from.u32(), arrived: from.u32(), printed: from.u32() };
  from.end();
  return read;
}

/** Output of a job was dropped on its way. */
export function writeLost(to: EntryWriter, job: number, { lines, bytes }: Lost): void {
  to.begin(entry.lost);
  to.u32(job);
  to.u32(Math.min(lines, MOST));
  to.u32(Math.min(bytes, MOST));
  to.end();
}

export function readLost(from: EntryReader): Lost & { readonly job: number } {
  const read = { job: from.u32(), lines: from.u32(), bytes: from.u32() };
  from.end();
  return read;
}
