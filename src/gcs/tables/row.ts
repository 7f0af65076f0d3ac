/**
 * The row of a task or object whose ref has escaped. Its key is a TaskId, or of an item or put its ObjectId.
 *
 *     u8 state, u8 flags, u16 holders, u32 job, u32 run, u32 tries, 8 bytes submitter, 8 bytes executor (0: none),
 *     u16 results, u16 0, u32 length of the spec
 *     holders: 8 bytes node, u32 number of its last HOLD
 *     results: u32 index, u32 run, 8 bytes maker, f64 size, u32 crc, u8 flags, u8 places, u16 inline bytes; inline; places of 8
 *     spec
 */

/** Eight bytes, as a string of eight characters up to 255: cheap to compare, and to write. */
export type Node = string;

export const NOBODY: Node = '\0\0\0\0\0\0\0\0';

export const RowState = { pending: 1, done: 2, cancelled: 3 } as const;

export const RowFlag = { recoverable: 1, actorCall: 2 } as const;

export const ResultFlag = { inline: 1, crcKnown: 2, error: 4, lost: 8 } as const;

/** Places beyond these are not kept: whoever finds all of them gone asks the submitter. */
export const MOST_PLACES = 16;

export interface Holder {
  readonly node: Node;
  readonly number: number;
}

export interface RowResult {
  readonly index: number;
  readonly run: number;
  readonly maker: Node;
  readonly size: number;
  readonly crc: number;
  readonly flags: number;
  readonly inline: Buffer;
  readonly places: readonly Node[];
}

export interface Row {
  readonly state: number;
  readonly flags: number;
  readonly job: number;
  readonly run: number;
  readonly tries: number;
  readonly submitter: Node;
  readonly executor: Node;
  readonly holders: readonly Holder[];
  readonly results: readonly RowResult[];
  readonly spec: Buffer;
}

const HEAD = 40;
const RESULT_HEAD = 32;
const HOLDER = 12;

/** The job of a row, without reading the rest. */
export function jobOf(value: Buffer): number {
  return value.readUInt32LE(4);
}

/** Whether these are the bytes of a row: a row that cannot be read is never stored. */
export function isRow(bytes: Buffer): boolean {
  if (bytes.length < HEAD) return false;
  let at = HEAD + bytes.readUInt16LE(2) * HOLDER;
  for (let i = bytes.readUInt16LE(32); i > 0; i--) at = afterResult(bytes, at);
  return at + bytes.readUInt32LE(36) === bytes.length;
}

/** Where the result at `at` ends; beyond the bytes, if it is not whole. */
function afterResult(bytes: Buffer, at: number): number {
  if (at + RESULT_HEAD > bytes.length) return bytes.length + 1;
  return at + RESULT_HEAD + bytes.readUInt16LE(at + 30) + (bytes[at + 29] ?? 0) * 8;
}

export function readRow(bytes: Buffer): Row {
  const holders: Holder[] = [];
  let at = HEAD;
  for (let i = bytes.readUInt16LE(2); i > 0; i--, at += HOLDER)
    holders.push({ node: bytes.toString('latin1', at, at + 8), number: bytes.readUInt32LE(at + 8) });
  const end = bytes.length - bytes.readUInt32LE(36);
  return {
    state: bytes[0] ?? 0,
    flags: bytes[1] ?? 0,
    job: bytes.readUInt32LE(4),
    run: bytes.readUInt32LE(8),
    tries: bytes.readUInt32LE(12),
    submitter: bytes.toString('latin1', 16, 24),
    executor: bytes.toString('latin1', 24, 32),
    holders,
    results: readRowResults(bytes.subarray(at, end)),
    spec: bytes.subarray(end),
  };
}

/** Results, one behind the other. */
export function readRowResults(bytes: Buffer): RowResult[] {
  const results: RowResult[] = [];
  for (let at = 0; at < bytes.length; ) {
    const inlineEnd = at + RESULT_HEAD + bytes.readUInt16LE(at + 30);
    const end = afterResult(bytes, at);
    const places: Node[] = [];
    for (let place = inlineEnd; place < end; place += 8) places.push(bytes.toString('latin1', place, place + 8));
    results.push({
      index: bytes.readUInt32LE(at),
      run: bytes.readUInt32LE(at + 4),
      maker: bytes.toString('latin1', at + 8, at + 16),
      size: bytes.readDoubleLE(at + 16),
      crc: bytes.readUInt32LE(at + 24),
      flags: bytes[at + 28] ?? 0,
      inline: bytes.subarray(at + RESULT_HEAD, inlineEnd),
      places,
    });
    at = end;
  }
  return results;
}

/** Whether these are whole results. */
export function areResults(bytes: Buffer): boolean {
  let at = 0;
  while (at < bytes.length) at = afterResult(bytes, at);
  return at === bytes.length;
}

export function writeRow(row: Row): Buffer {
  const results = writeResults(row.results);
  const holdersEnd = HEAD + row.holders.length * HOLDER;
  const bytes = Buffer.alloc(holdersEnd + results.length + row.spec.length);
  bytes[0] = row.state;
  bytes[1] = row.flags;
  bytes.writeUInt16LE(row.holders.length, 2);
  bytes.writeUInt32LE(row.job, 4);
  bytes.writeUInt32LE(row.run, 8);
  bytes.writeUInt32LE(row.tries, 12);
  bytes.write(row.submitter, 16, 'latin1');
  bytes.write(row.executor, 24, 'latin1');
  bytes.writeUInt16LE(row.results.length, 32);
  bytes.writeUInt32LE(row.spec.length, 36);
  for (const [i, { node, number }] of row.holders.entries()) {
    bytes.write(node, HEAD + i * HOLDER, 'latin1');
    bytes.writeUInt32LE(number, HEAD + i * HOLDER + 8);
  }
  results.copy(bytes, holdersEnd);
  row.spec.copy(bytes, holdersEnd + results.length);
  return bytes;
}

export function writeResults(results: readonly RowResult[]): Buffer {
  let length = 0;
  for (const { inline, places } of results) length += RESULT_HEAD + inline.length + places.length * 8;
  const bytes = Buffer.alloc(length);
  let at = 0;
  for (const result of results) {
    bytes.writeUInt32LE(result.index, at);
    bytes.writeUInt32LE(result.run, at + 4);
    bytes.write(result.maker, at + 8, 'latin1');
    bytes.writeDoubleLE(result.size, at + 16);
    bytes.writeUInt32LE(result.crc, at + 24);
    bytes[at + 28] = result.flags;
    bytes[at + 29] = result.places.length;
    bytes.writeUInt16LE(result.inline.length, at + 30);
    result.inline.copy(bytes, at + RESULT_HEAD);
    at += RESULT_HEAD + result.inline.length;
    for (const place of result.places) {
      bytes.write(place, at, 'latin1');
      at += 8;
    }
  }
  return bytes;
}
