import type { Change, GcsClient, NodeInfo, Table, Versioned } from './client.ts';

/** A table in this thread's memory. */
class EmbeddedTable<Row> implements Table<Row> {
  readonly #rows = new Map<string, Versioned<Row>>();
  readonly #listeners = new Set<(change: Change<Row>) => void>();

  async get(key: string): Promise<Versioned<Row> | undefined> {
    return this.#rows.get(key);
  }

  async put(key: string, row: Row): Promise<number> {
    const version = this.#versionOf(key) + 1;
    this.#rows.set(key, { row, version });
    this.#tell({ kind: 'put', key, row });
    return version;
  }

  async cas(key: string, version: number, row: Row): Promise<boolean> {
    if (this.#versionOf(key) !== version) return false;
    await this.put(key, row);
    return true;
  }

  async delete(key: string): Promise<boolean> {
    if (!this.#rows.delete(key)) return false;
    this.#tell({ kind: 'delete', key });
    return true;
  }

  async watch(listener: (change: Change<Row>) => void): Promise<() => void> {
    listener({ kind: 'reset', rows: new Map([...this.#rows].map(([key, { row }]) => [key, row])) });
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #versionOf(key: string): number {
    return this.#rows.get(key)?.version ?? 0;
  }

  #tell(change: Change<Row>): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** The GCS of a node that is a cluster by itself: its tables are in the driver's memory. */
export function embeddedGcs(): GcsClient {
  return { nodes: new EmbeddedTable<NodeInfo>() };
}
