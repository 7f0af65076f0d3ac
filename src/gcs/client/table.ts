import { ControlStoreUnavailableError } from '../../common/errors.ts';
import type { Table as Rows, Change as Told, Versioned } from '../client.ts';
import { type Change, Op, OpWriter, Result, readResults } from '../shard/index.ts';
import type { Outcome, ShardClient } from './door.ts';

/** How keys and rows of a table lie in the shard. */
export interface Layout<Row> {
  readonly table: number;
  key(key: string): Buffer;
  keyOf(bytes: Buffer): string;
  write(row: Row): Buffer;
  read(bytes: Buffer): Row;
}

/** A table of a shard as the rest of mobula sees it. */
export class RemoteTable<Row> implements Rows<Row> {
  readonly #client: ShardClient;
  readonly #layout: Layout<Row>;

  constructor(client: ShardClient, layout: Layout<Row>) {
    this.#client = client;
    this.#layout = layout;
  }

  async get(key: string): Promise<Versioned<Row> | undefined> {
    const [found] = await this.#client.read(this.#layout.table, [this.#layout.key(key)]);
    if (found === null || found?.value == null) return undefined;
    return { row: this.#layout.read(found.value), version: found.seq };
  }

  async put(key: string, row: Row): Promise<number> {
    const { lastSeq, results } = await this.#run(Op.put, key, this.#layout.write(row));
    refuseFull(results);
    // The one effect of the batch has its last seq.
    return lastSeq;
  }

  async cas(key: string, version: number, row: Row): Promise<boolean> {
    const { results } = await this.#run(Op.cas, key, this.#layout.write(row), version);
    refuseFull(results);
    return codeOf(results) !== Result.conflict;
  }

  async delete(key: string): Promise<boolean> {
    const { results } = await this.#run(Op.delete, key);
    return codeOf(results) !== Result.none;
  }

  watch(listener: (change: Told<Row>) => void): Promise<() => void> {
    const { table, keyOf, read } = this.#layout;
    return new Promise((resolve, reject) => {
      const told = (whole: boolean, changes: readonly Change[]): void => {
        if (whole) {
          const rows = new Map(
            changes.flatMap(({ key, value }) => (value === null ? [] : [[keyOf(key), read(value)] as const])),
          );
          listener({ kind: 'reset', rows });
          resolve(() => end());
          return;
        }
        for (const change of changes) listener(this.#told(change));
      };
      const end = this.#client.watch(table, Buffer.alloc(0), told, reject);
    });
  }

  #told({ key, value }: Change): Told<Row> {
    const { keyOf, read } = this.#layout;
    if (value === null) return { kind: 'delete', key: keyOf(key) };
    return { kind: 'put', key: keyOf(key), row: read(value) };
  }

  #run(op: number, key: string, payload?: Buffer, expected?: number): Promise<Outcome> {
    const { table } = this.#layout;
    return this.#client.submit(new OpWriter().add(op, table, this.#layout.key(key), payload, expected).take());
  }
}

function codeOf(results: Buffer): number | undefined {
  return readResults(results)[0]?.code;
}

function refuseFull(results: Buffer): void {
  if (codeOf(results) !== Result.full) return;
  throw new ControlStoreUnavailableError(
    'The control store has no memory left for new records. Delete what is not needed any more',
  );
}
