import type { Addon } from '../native/addon.ts';
import type { GcsClient, NodeRecord, Table } from './client.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A table in the memory that the threads of the process share. */
class LocalTable<Row> implements Table<Row> {
  readonly #addon: Addon;
  readonly #port: number;
  readonly #name: string;

  constructor(addon: Addon, port: number, name: string) {
    this.#addon = addon;
    this.#port = port;
    this.#name = name;
  }

  get(key: string): Row | undefined {
    const bytes = this.#addon.tableGet(this.#port, this.#name, key);
    return bytes === null ? undefined : (JSON.parse(decoder.decode(bytes)) as Row);
  }

  put(key: string, row: Row): void {
    this.#addon.tablePut(this.#port, this.#name, key, encoder.encode(JSON.stringify(row)), true);
  }

  add(key: string, row: Row): boolean {
    return this.#addon.tablePut(this.#port, this.#name, key, encoder.encode(JSON.stringify(row)), false);
  }

  delete(key: string): boolean {
    return this.#addon.tableDelete(this.#port, this.#name, key);
  }

  keys(): string[] {
    return this.#addon.tableKeys(this.#port, this.#name);
  }
}

/** The GCS of a node that is a cluster by itself: its tables are in the process. */
export function embeddedGcs(addon: Addon, port: number): GcsClient {
  return { nodes: new LocalTable<NodeRecord>(addon, port, 'nodes') };
}
