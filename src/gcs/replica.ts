import type { Addon } from '../native/addon.ts';
import type { Change, NodeInfo, Table } from './client.ts';

/** The name of the copy among the tables that the threads of the process share. */
const COPY = 'nodes';
const encoder = new TextEncoder();
const decoder = new TextDecoder();

type Tables = Pick<Addon, 'tableGet' | 'tablePut' | 'tableDelete' | 'tableKeys'>;

/** The node table as this process knows it: one thread follows the GCS, and every thread reads, without waiting. */
export class NodeReplica {
  readonly #tables: Tables;
  readonly #port: number;

  constructor(tables: Tables, port: number) {
    this.#tables = tables;
    this.#port = port;
  }

  /** The nodes there are, by id. */
  all(): NodeInfo[] {
    return this.#keys().flatMap((key) => {
      const bytes = this.#tables.tableGet(this.#port, COPY, key);
      return bytes === null ? [] : [JSON.parse(decoder.decode(bytes)) as NodeInfo];
    });
  }

  /** Writes a row that this process knows before the GCS does: its own. */
  set(key: string, { nodeId, alive, driver, host, pid, resources, labels }: NodeInfo): void {
    // The table of a cluster has more in a row than users see.
    const row: NodeInfo = { nodeId, alive, driver, host, pid, resources, labels };
    this.#tables.tablePut(this.#port, COPY, key, encoder.encode(JSON.stringify(row)), true);
  }

  /** Does to the copy what is done to `table`, from now on. Gives the function that ends it. */
  follow(table: Pick<Table<NodeInfo>, 'watch'>): Promise<() => void> {
    return table.watch((change) => this.apply(change));
  }

  /** Does to the copy what was done to the table. */
  apply(change: Change<NodeInfo>): void {
    if (change.kind === 'put') this.set(change.key, change.row);
    else if (change.kind === 'delete') this.#tables.tableDelete(this.#port, COPY, change.key);
    else this.#reset(change.rows);
  }

  #reset(rows: ReadonlyMap<string, NodeInfo>): void {
    for (const [key, row] of rows) this.set(key, row);
    for (const key of this.#keys()) if (!rows.has(key)) this.#tables.tableDelete(this.#port, COPY, key);
  }

  #keys(): string[] {
    return this.#tables.tableKeys(this.#port, COPY);
  }
}
