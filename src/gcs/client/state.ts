import type { Change, ClientId, Link } from '../shard/index.ts';

/** Operations that were handed over, until the client need not send them again. */
export interface Batch {
  readonly id: number;
  readonly ops: Buffer;
  /** The last seq of what it changed, once its owner was told of the outcome. */
  lastSeq: number | null;
}

export interface Watch {
  readonly id: number;
  readonly table: number;
  readonly prefix: Buffer;
  /** All up to this seq is known; null: nothing is. */
  seen: number | null;
  /** The parts of a snapshot that have come; null: none is awaited. */
  snapshot: Change[] | null;
}

export interface Ask {
  readonly id: number;
  readonly table: number;
  readonly keys: readonly Buffer[];
  /** How many batches were handed over before it: it is sent behind them. */
  readonly behind: number;
  /** Whether it was sent on this connection. */
  asked: boolean;
}

/** All that a client of one shard knows. */
export interface ClientState {
  readonly client: ClientId;
  /** null: there is no connection. */
  link: Link | null;
  /** The configuration that the shard has named; 0: it has named none. */
  epoch: number;
  /** Whether the shard has said welcome on this connection. */
  ready: boolean;
  /** Batches that are not known to be on the disk, in order; the first has the number `first`. */
  readonly batches: Batch[];
  /** null: no shard has said yet which batches of this client it has. */
  first: number | null;
  /** The number of the first batch of all. */
  base: number;
  /** How many batches were handed over. */
  submitted: number;
  /** The number of the last batch that was sent on this connection. */
  sent: number;
  /** Up to which number batches were sent on any connection. */
  everSent: number;
  /** Until when nothing is sent: the shard was busy. */
  pausedUntil: number;
  readonly asks: Map<number, Ask>;
  /** How many of them were not sent on this connection. */
  unasked: number;
  readonly watches: Map<number, Watch>;
}

export function newClient(client: ClientId): ClientState {
  return {
    client,
    link: null,
    epoch: 0,
    ready: false,
    batches: [],
    first: null,
    base: 1,
    submitted: 0,
    sent: 0,
    everSent: 0,
    pausedUntil: 0,
    asks: new Map(),
    unasked: 0,
    watches: new Map(),
  };
}
