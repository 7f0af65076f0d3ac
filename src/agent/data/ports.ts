/** What the agent asks of the data plane. */
import type { Peer } from '../peer.ts';
import type { Named, Placed } from './named.ts';

/** How a fetch has ended: with the buffers, a reference to each, which are the caller's; or with what is wrong here, or with the value. */
export type Fetched =
  | { readonly kind: 'here'; readonly buffers: readonly number[] }
  /** No room, or no memory, in this node's store. */
  | { readonly kind: 'no-room'; readonly text: string }
  /** Its node has lost it. */
  | { readonly kind: 'lost'; readonly text: string };

export type Failed = Exclude<Fetched, { kind: 'here' }>;

/** What comes first: a result, as a running task may wait for it. */
export type Urgency = 'argument' | 'result';

export interface DataPort {
  /** Whether other nodes can fetch from this one. */
  readonly serves: boolean;
  /** Bytes that copies may have here which no task needs just now. */
  readonly most: number;
  /** Others may fetch these buffers from now on. */
  serve(number: number, buffers: readonly number[]): void;
  unserve(number: number): void;
  /** Whether nothing else here needs what is served under a number. */
  isAlone(number: number): boolean;
  /**
   * Fetches buffers of a node. `end` is called once, later, unless the fetch is dropped, or the node is dead before. A value that stays at
   * the node counts as lost where the node cannot be reached, or does not serve it. Gives what drops it.
   */
  pull(peer: Peer, named: Named | Placed, urgency: Urgency, end: (fetched: Fetched) => void): () => void;
  /** One more reference to a buffer, for a value. */
  share(buffer: number): void;
  release(buffer: number): void;
}
