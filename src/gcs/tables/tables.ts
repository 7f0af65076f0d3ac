import { Records } from './records.ts';

/** The tables of a shard, by number. */
export const Table = {
  /** Tasks and objects whose refs have escaped: `row.ts`. */
  row: 1,
  function: 2,
  node: 3,
  job: 4,
  name: 5,
  kv: 6,
  /** Nodes that are dead and jobs that have ended: what comes late from them is refused. */
  ended: 7,
  /** Nothing is stored here: a change tells a node to free its copy of an object. Keys: NodeId, then the row's key. */
  free: 8,
} as const;

const COUNT = 9;

/** All records of a shard. */
export class Tables {
  readonly #tables: readonly Records[] = Array.from({ length: COUNT }, () => new Records());

  /** The table of this number; undefined: there is none. */
  get(table: number): Records | undefined {
    return table > 0 ? this.#tables[table] : undefined;
  }

  get digest(): number {
    let digest = 0;
    for (const [i, table] of this.#tables.entries()) digest ^= Math.imul(table.digest, 2 * i + 1);
    return digest;
  }

  get bytes(): number {
    let bytes = 0;
    for (const { slabs } of this.#tables) bytes += slabs.bytes;
    return bytes;
  }
}
