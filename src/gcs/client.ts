/** A node: a process with its workers. */
export interface NodeInfo {
  /** What `context().nodeId` gives there. */
  readonly nodeId: string;
  /** Whether it takes tasks. */
  readonly alive: boolean;
  /** Whether it is the process of a driver. */
  readonly driver: boolean;
  /** The name of its machine. */
  readonly host: string;
  /** Its process. */
  readonly pid: number;
  /** What it has in all, as `clusterResources` names it. */
  readonly resources: Readonly<Record<string, number>>;
  /** The option `labels` of its `init`. */
  readonly labels: Readonly<Record<string, string>>;
}

/** A row and its version, which rises each time its key is written. */
export interface Versioned<Row> {
  readonly row: Row;
  readonly version: number;
}

/** What a watcher of a table is told. */
export type Change<Row> =
  /** All rows there are, by key: first of all, and again whenever changes may have been missed. */
  | { readonly kind: 'reset'; readonly rows: ReadonlyMap<string, Row> }
  | { readonly kind: 'put'; readonly key: string; readonly row: Row }
  | { readonly kind: 'delete'; readonly key: string };

/** One table: operations on single keys only, as the paper's shards offer them. Each is atomic. */
export interface Table<Row> {
  get(key: string): Promise<Versioned<Row> | undefined>;
  /** Writes the row, whatever is there; gives its version. */
  put(key: string, row: Row): Promise<number>;
  /** Writes the row if the key has `version` (0: if there is no such key); false, and nothing is written, if not. */
  cas(key: string, version: number, row: Row): Promise<boolean>;
  /** False if there was no such key. */
  delete(key: string): Promise<boolean>;
  /** Tells `listener` what is there and then of every change, in order. Gives the function that ends it. */
  watch(listener: (change: Change<Row>) => void): Promise<() => void>;
}

/**
 * The Global Control Store as the rest of mobula sees it. It is asynchronous: in a cluster it is another process. What is
 * read all the time is read from a local replica (`replica.ts`).
 *
 * The paper's task, object and function tables are kept by the core of the node that they concern.
 */
export interface GcsClient {
  readonly nodes: Table<NodeInfo>;
}
