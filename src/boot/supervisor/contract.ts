/**
 * What a supervisor and the process that it starts, its child, tell one another. docs/supervisor.md has the rules.
 *
 * Lines of JSON on one socket, which the child inherits: first the child's configuration, then orders; reports the other way. The
 * socket's end tells the child that its supervisor is dead.
 */

/** The number of the inherited socket in the child. */
export const CHANNEL_FD = 3;

/** What a node is told. What is absent has the default of `init()`. */
export interface NodeConfig {
  /** Here, and not among the arguments or in the environment, where others could read it. */
  readonly token: string;
  /** Of the head: host and port. */
  readonly address: string;
  /** The network interface that it listens at. Default: 127.0.0.1. */
  readonly bind?: string;
  /** The host that others reach it at. Default: `bind`, which then is not all interfaces. */
  readonly advertise?: string;
  readonly numCpus?: number;
  readonly numGpus?: number;
  readonly resources?: Readonly<Record<string, number>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Bytes. */
  readonly objectStoreMemory?: number;
  /** The folder under which the application's files are found, and the working directory of tasks: an absolute path. */
  readonly root: string;
  /** The first and the last port that it may listen at. Absent: the system chooses. */
  readonly ports?: readonly [first: number, last: number];
  /** For how long it waits for a head that went away. Milliseconds. */
  readonly headTimeoutMs: number;
  /**
   * 0 for the first start. That one fails at once when nobody listens at `address`; a later one waits for the head, as its
   * predecessor would have done.
   */
  readonly start: number;
}

/** What a node reports when the head has taken it in. */
export interface NodeReady {
  readonly nodeId: string;
  /**
   * The descriptor, in the node, of the page into which its workers write what they begin: memory that is gone with its last
   * descriptor. The supervisor opens it too, and reads it when the node is dead.
   */
  readonly begunFd?: number;
}

/** How a process ended: one of the two is null. */
export interface Exit {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: string | null;
}

/** How a node ended. */
export interface NodeExit extends Exit {
  readonly nodeId: string;
  /** What its page of begun tasks names. Absent: that is not known. */
  readonly begun?: Uint8Array;
}

/** An error as it is told, with the code of a `MobulaError`. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** From the supervisor to the child, after the configuration: take nothing new, end what is under way, and exit with 0. After `ms` the child is killed. */
export interface Order {
  readonly drain: { readonly ms: number };
}

/** From the child to the supervisor, each a line. */
export type Report<Ready> =
  /** It is up. Said once. */
  | { readonly ready: Ready }
  /** It cannot be started, and exits. Only said instead of `ready`. */
  | { readonly failed: Failure };
