/**
 * A batch of effects: what one WRITE changed. The log keeps it, the chain will carry it, subscribers are told of it.
 *
 *     f64 first seq, u32 effects, u32 sync, 8 bytes client, f64 batch, f64 ackBelow, u32 epoch, u32 length of results
 *     results, then effects: u8 kind, u8 table, u16 key length, u32 value length, key, value
 *
 * The batch itself has the first seq, its effects have the ones behind it.
 */
import type { Tables } from '../tables/tables.ts';

export const Effect = { put: 1, delete: 2, notice: 3, endSession: 4 } as const;

const BATCH_HEADER = 48;
export const EFFECT_HEADER = 8;

const NONE: Buffer = Buffer.alloc(0);

export interface BatchHead {
  readonly firstSeq: number;
  readonly effects: number;
  readonly sync: boolean;
  readonly client: string;
  readonly batchNo: number;
  readonly ackBelow: number;
  readonly results: Buffer;
}

export function readHead(bytes: Buffer): BatchHead {
  return {
    firstSeq: bytes.readDoubleLE(0),
    effects: bytes.readUInt32LE(8),
    sync: bytes[12] !== 0,
    client: bytes.toString('hex', 16, 24),
    batchNo: bytes.readDoubleLE(24),
    ackBelow: bytes.readDoubleLE(32),
    results: Buffer.from(bytes.subarray(BATCH_HEADER, BATCH_HEADER + bytes.readUInt32LE(44))),
  };
}

export function lastSeq({ firstSeq, effects }: BatchHead): number {
  return firstSeq + effects;
}

/** Where the first effect of a batch begins. */
export function firstEffect(bytes: Buffer): number {
  return BATCH_HEADER + bytes.readUInt32LE(44);
}

/** Carries out the effect at `at`; gives where the next one begins. */
export function apply(tables: Tables, bytes: Buffer, at: number, seq: number): number {
  const keyLength = bytes.readUInt16LE(at + 2);
  const valueLength = bytes.readUInt32LE(at + 4);
  const table = tables.get(bytes[at + 1] as number);
  const start = at + EFFECT_HEADER;
  if (table !== undefined && bytes[at] === Effect.put)
    table.put(table.find(bytes, start, keyLength), bytes, start, keyLength, valueLength, seq);
  else if (table !== undefined && bytes[at] === Effect.delete) {
    const slot = table.find(bytes, start, keyLength);
    if (slot >= 0) table.delete(slot);
  }
  return start + keyLength + valueLength;
}

/** Writes one batch after the other. */
export class BatchWriter {
  /** The effects of the batch, from 0 to `end`. */
  buffer: Buffer = Buffer.allocUnsafeSlow(1 << 18);
  end = 0;
  effects = 0;
  #results: Buffer = Buffer.allocUnsafeSlow(1 << 12);
  #resultsEnd = 0;

  begin(): void {
    this.end = 0;
    this.effects = 0;
    this.#resultsEnd = 0;
  }

  /** Begins an effect whose key stands at `start` of `from`; gives where its value is to be written. */
  open(kind: number, table: number, from: Buffer, start: number, keyLength: number, valueLength: number): number {
    const at = this.#head(kind, table, keyLength, valueLength);
    from.copy(this.buffer, at, start, start + keyLength);
    return at + keyLength;
  }

  /** An effect whose key and value stand one behind the other at `start` of `from`. */
  whole(kind: number, table: number, from: Buffer, start: number, keyLength: number, valueLength: number): void {
    const at = this.#head(kind, table, keyLength, valueLength);
    from.copy(this.buffer, at, start, start + keyLength + valueLength);
  }

  /** A result with a number, or with none. */
  result(op: number, code: number, number?: number): void {
    const length = number === undefined ? 0 : 8;
    if (this.#resultsEnd + 12 > this.#results.length) this.#results = doubled(this.#results);
    const at = this.#resultsEnd;
    this.#results.writeUInt16LE(op, at);
    this.#results[at + 2] = code;
    this.#results[at + 3] = length;
    if (number !== undefined) this.#results.writeDoubleLE(number, at + 4);
    this.#resultsEnd = at + 4 + length;
  }

  /** The batch, whole. */
  finish(firstSeq: number, sync: boolean, client: string, batchNo: number, ackBelow: number, epoch: number): Buffer {
    const start = BATCH_HEADER + this.#resultsEnd;
    const bytes = Buffer.allocUnsafeSlow(start + this.end);
    bytes.writeDoubleLE(firstSeq, 0);
    bytes.writeUInt32LE(this.effects, 8);
    bytes.writeUInt32LE(sync ? 1 : 0, 12);
    bytes.write(client, 16, 8, 'hex');
    bytes.writeDoubleLE(batchNo, 24);
    bytes.writeDoubleLE(ackBelow, 32);
    bytes.writeUInt32LE(epoch, 40);
    bytes.writeUInt32LE(this.#resultsEnd, 44);
    this.#results.copy(bytes, BATCH_HEADER, 0, this.#resultsEnd);
    this.buffer.copy(bytes, start, 0, this.end);
    return bytes;
  }

  /** The results in a batch that was just finished: a copy, since they are kept for longer than the batch. */
  resultsOf(bytes: Buffer): Buffer {
    return this.#resultsEnd === 0 ? NONE : Buffer.from(bytes.subarray(BATCH_HEADER, BATCH_HEADER + this.#resultsEnd));
  }

  /** Makes room for an effect and writes its head; gives where its key goes. */
  #head(kind: number, table: number, keyLength: number, valueLength: number): number {
    const at = this.end;
    this.#reserve(EFFECT_HEADER + keyLength + valueLength);
    const { buffer } = this;
    buffer[at] = kind;
    buffer[at + 1] = table;
    buffer[at + 2] = keyLength & 255;
    buffer[at + 3] = keyLength >> 8;
    buffer.writeUInt32LE(valueLength, at + 4);
    this.end = at + EFFECT_HEADER + keyLength + valueLength;
    this.effects += 1;
    return at + EFFECT_HEADER;
  }

  #reserve(more: number): void {
    while (this.end + more > this.buffer.length) this.buffer = doubled(this.buffer);
  }
}

function doubled(buffer: Buffer): Buffer {
  const larger = Buffer.allocUnsafeSlow(2 * buffer.length);
  buffer.copy(larger);
  return larger;
}
