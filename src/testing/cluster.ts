import type { ClusterNodeOptions } from './options.ts';

/** A node of a test cluster: a process of its own. */
export interface ClusterNode {
  /** Its id, as `nodes()` shows it. */
  readonly nodeId: string;
  /** Its process. */
  readonly pid: number;
  /** Sends its process a signal. A node that dies is not replaced. Default: 'SIGKILL'. */
  kill(signal?: NodeJS.Signals): void;
  /** Drains it, for at most 25 s, and ends it. */
  stop(): Promise<void>;
}

/** A cluster of processes on this machine. */
export interface Cluster extends AsyncDisposable {
  /** Of its head, for `init({ address })`: host and port. */
  readonly address: string;
  /** What its processes know. It is in `MOBULA_AUTH_TOKEN` of this process until `stop()`. */
  readonly token: string;
  /** The nodes that are alive, in the order in which they came. */
  readonly nodes: readonly ClusterNode[];
  /** Adds a node, and resolves when it is up. Rejects with the error that keeps it from starting. */
  addNode(options?: ClusterNodeOptions): Promise<ClusterNode>;
  /** Ends all its processes at once. Nothing is left of it. Later calls give the same promise. */
  stop(): Promise<void>;
}
