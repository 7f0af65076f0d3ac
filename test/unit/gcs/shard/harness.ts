import { MemoryLog } from '../../../../src/gcs/log/memory.ts';
import {
  newShard,
  OpWriter,
  readResults,
  type ShardEffect,
  type ShardEvent,
  type ShardState,
  shard,
} from '../../../../src/gcs/shard/index.ts';
import type { ShardSizes } from '../../../../src/gcs/shard/state.ts';
import { type Row, readRow } from '../../../../src/gcs/tables/row.ts';
import { Table } from '../../../../src/gcs/tables/tables.ts';

export const CLIENT = '00000000000000c1';
export const SIZES: ShardSizes = { mostBytes: 2 ** 30, ringBytes: 2 ** 20 };
const LINK = 1;

/** A shard with one client, whose log does at once what it is told, or does not. */
export class OneClient {
  log = new MemoryLog();
  state: ShardState;
  now = 0;
  prompt = true;
  batchNo = 0;
  readonly #sizes: ShardSizes;

  constructor(sizes: ShardSizes = SIZES) {
    this.#sizes = sizes;
    this.state = newShard([], sizes);
    this.step({ kind: 'start', epoch: 1, clean: true, reconnectMs: 60_000 });
    this.step({ kind: 'hello', link: LINK, epoch: 1, client: CLIENT, ackBelow: 1 });
  }

  step(event: ShardEvent): ShardEffect[] {
    const effects = [...shard(this.state, event, { now: this.now, random: () => 0 })];
    for (const effect of [...effects]) {
      if (effect.kind !== 'append') continue;
      this.log.append(effect.firstSeq, effect.lastSeq, effect.bytes);
      if (this.prompt) effects.push(...this.step({ kind: 'synced', seq: effect.lastSeq }));
    }
    return effects;
  }

  write(writer: OpWriter, more: { batchNo?: number; resend?: boolean } = {}): ShardEffect[] {
    const batchNo = more.batchNo ?? this.batchNo + 1;
    this.batchNo = Math.max(this.batchNo, batchNo);
    const ops = writer.take();
    return this.step({
      kind: 'write',
      link: LINK,
      epoch: 1,
      client: CLIENT,
      batchNo,
      ackBelow: batchNo,
      resend: more.resend ?? false,
      ops,
    });
  }

  /** Carries one operation out; gives its result: null is OK. */
  run(op: number, table: number, key: Buffer, payload?: Buffer, expected?: number): [number, number | null] | null {
    const done = this.write(new OpWriter().add(op, table, key, payload, expected)).find(({ kind }) => kind === 'done');
    if (done?.kind !== 'done') throw new Error('it was not done');
    const [result] = readResults(done.results);
    return result === undefined ? null : [result.code, result.number];
  }

  /** The same, twice: the second time as if another client had had the same idea. */
  twice(
    op: number,
    table: number,
    key: Buffer,
    payload?: Buffer,
    expected?: number,
  ): ([number, number | null] | null)[] {
    return [this.run(op, table, key, payload, expected), this.run(op, table, key, payload, expected)];
  }

  restart(clean = true): void {
    this.state = newShard(this.log.read(), this.#sizes);
    this.step({ kind: 'start', epoch: 1, clean, reconnectMs: 60_000 });
    this.step({ kind: 'hello', link: LINK, epoch: 1, client: CLIENT, ackBelow: this.batchNo + 1 });
  }

  row(key: Buffer): Row | null {
    const rows = this.state.core.tables.get(Table.row);
    const slot = rows?.find(key, 0, key.length) ?? -1;
    return rows === undefined || slot < 0 ? null : readRow(Buffer.from(rows.value(slot)));
  }

  /** Which nodes are told to free the row's copies, of effects that tell subscribers. */
  freed(effects: readonly ShardEffect[]): string[] {
    return effects.flatMap((effect) =>
      effect.kind === 'event' && effect.subId === 99
        ? effect.changes.map(({ key }) => key.toString('latin1', 0, 8))
        : [],
    );
  }

  watchFree(): void {
    this.step({
      kind: 'sub',
      link: LINK,
      epoch: 1,
      subId: 99,
      table: Table.free,
      prefix: Buffer.alloc(0),
      fromSeq: null,
    });
  }
}
