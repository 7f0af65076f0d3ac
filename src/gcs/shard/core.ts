import type { Records } from '../tables/records.ts';
import { Table, Tables } from '../tables/tables.ts';
import { apply, BatchWriter, EFFECT_HEADER, Effect } from './batch.ts';
import { Sessions } from './sessions.ts';

/** The operation being carried out: where it stands among those of its batch. One object for all of them. */
export interface Call {
  ops: Buffer;
  number: number;
  op: number;
  table: number;
  key: number;
  keyLength: number;
  payload: number;
  payloadLength: number;
  expected: number;
}

/** The replicated state, and the batch being evaluated on it. */
export class Core {
  readonly tables: Tables = new Tables();
  readonly sessions: Sessions = new Sessions();
  readonly writer: BatchWriter = new BatchWriter();
  /** The seq of the last effect carried out. */
  applied = 0;
  /** Above so many bytes no new work is taken. */
  readonly mostBytes: number;
  readonly call: Call = {
    ops: Buffer.alloc(0),
    number: 0,
    op: 0,
    table: 0,
    key: 0,
    keyLength: 0,
    payload: 0,
    payloadLength: 0,
    expected: 0,
  };

  constructor(mostBytes: number) {
    this.mostBytes = mostBytes;
  }

  isFull(): boolean {
    return this.tables.bytes > this.mostBytes;
  }

  /** Writes the record of the call's key: a part of `from`. */
  put(from: Buffer, start: number, length: number): number {
    const { ops, table, key, keyLength } = this.call;
    return this.putKey(table, ops, key, keyLength, from, start, length);
  }

  /** Writes the call's payload as the record of its key, whose slot was found. */
  putPayload(records: Records, slot: number): number {
    const { ops, table, key, keyLength, payloadLength } = this.call;
    this.writer.whole(Effect.put, table, ops, key, keyLength, payloadLength);
    const seq = this.applied + 1 + this.writer.effects;
    records.put(slot, ops, key, keyLength, payloadLength, seq);
    return seq;
  }

  putKey(
    table: number,
    key: Buffer,
    keyStart: number,
    keyLength: number,
    from: Buffer,
    start: number,
    length: number,
  ): number {
    const at = this.writer.open(Effect.put, table, key, keyStart, keyLength, length);
    from.copy(this.writer.buffer, at, start, start + length);
    return this.#apply(at - keyLength - EFFECT_HEADER);
  }

  deleteKey(table: number, key: Buffer, keyStart: number, keyLength: number): number {
    const at = this.writer.open(Effect.delete, table, key, keyStart, keyLength, 0);
    return this.#apply(at - keyLength - EFFECT_HEADER);
  }

  /** Tells `node` that its copies of the object of this row are to go. */
  free(node: string, key: Buffer, keyStart: number, keyLength: number): void {
    const whole = Buffer.allocUnsafe(8 + keyLength);
    whole.write(node, 0, 'latin1');
    key.copy(whole, 8, keyStart, keyStart + keyLength);
    this.writer.open(Effect.notice, Table.free, whole, 0, whole.length, 0);
  }

  endSession(client: Buffer): void {
    this.writer.open(Effect.endSession, 0, client, 0, client.length, 0);
    this.sessions.end(client.toString('hex'));
  }

  result(code: number, number?: number): undefined {
    this.writer.result(this.call.number, code, number);
  }

  isEnded(key: Buffer): boolean {
    return (this.tables.get(Table.ended)?.find(key, 0, key.length) ?? -1) >= 0;
  }

  isDead(node: string): boolean {
    return this.isEnded(Buffer.from(node, 'latin1'));
  }

  hasEnded(job: number): boolean {
    const key = Buffer.allocUnsafe(4);
    key.writeUInt32LE(job);
    return this.isEnded(key);
  }

  /** An effect's seq follows those before it. */
  #apply(at: number): number {
    const seq = this.applied + 1 + this.writer.effects;
    apply(this.tables, this.writer.buffer, at, seq);
    return seq;
  }
}
