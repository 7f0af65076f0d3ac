/** After so long a silence a node is dead; nodes that cannot reach one another for `returnMs` complain. */
export const settings = { nodeTimeoutMs: 1500, suspectMs: 800, returnMs: 800 };

/** One process that is connected to the head. */
export interface Client {
  readonly channel: number;
  readonly node: string;
  /** Whether it is a node that has registered on this channel. */
  registered: boolean;
}
