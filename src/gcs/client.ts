/** An entry of the node table. */
export interface NodeRecord {
  /** What `context().nodeId` gives there. */
  readonly nodeId: string;
  /** Whether it takes tasks. */
  readonly alive: boolean;
  /** The name of its machine. */
  readonly host: string;
  /** Its process. */
  readonly pid: number;
  /** What it has in all, as `clusterResources` names it. */
  readonly resources: Readonly<Record<string, number>>;
}

/**
 * The Global Control Store as the rest of mobula sees it: single-key operations on its tables. The paper's task, object
 * and function tables are kept by the core of the node that they concern.
 */
export interface GcsClient {
  readonly nodes: Table<NodeRecord>;
}

/** One table: single-key operations only, as the paper's shards offer them. */
export interface Table<Row> {
  get(key: string): Row | undefined;
  put(key: string, row: Row): void;
  /** Writes the row unless the key exists; false if it does. */
  add(key: string, row: Row): boolean;
  delete(key: string): boolean;
  keys(): string[];
}
