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

/** The driver of a job has printed so many bytes of its output. */
export function writePrinted(to: EntryWriter, job: number, bytes: number): void {
  to.begin(entry.printed);
  to.u32(job);
  to.u32(bytes);
  to.end();
}

export function readPrinted(from: EntryReader): { readonly job: number; readonly bytes: number } {
  const read = { job: from.u32(), bytes: from.u32() };
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
