import { crc32 } from 'node:zlib';
import type { Effect, Result } from './messages.ts';

/** A batch that the writer has executed: its effects, its results, and how far its client has heard. */
export interface Record {
  readonly seq: number;
  readonly client: string;
  readonly batch: number;
  readonly ackBelow: number;
  readonly effects: readonly Effect[];
  readonly results: readonly Result[];
}

/** A record as a line with its checksum. */
export function encode(record: Record): Uint8Array {
  const body = JSON.stringify(record);
  return Buffer.from(`${crc32(body).toString(16).padStart(8, '0')} ${body}\n`);
}

/** The records up to the first that is torn or damaged, and how many bytes they are. */
export function decode(bytes: Uint8Array): { records: Record[]; length: number } {
  const records: Record[] = [];
  const all = Buffer.from(bytes);
  let length = 0;
  for (let end = all.indexOf('\n'); end >= 0; end = all.indexOf('\n', length)) {
    const line = all.toString('utf8', length, end);
    const body = line.slice(9);
    if (line.slice(0, 8) !== crc32(body).toString(16).padStart(8, '0')) break;
    records.push(JSON.parse(body));
    length = end + 1;
  }
  return { records, length };
}
