/** What the agent's thread and the thread that serves the node tell one another about output. */
import type { MessagePort } from 'node:worker_threads';

/** The agent's end of a line, and what it counts. */
export interface OutputLine {
  readonly port: MessagePort;
  readonly counts: Int32Array;
}

/** Words of the counts: pieces that threads have left for others, and messages that the agent has sent. */
export const outputCount = { pieces: 0, arrivals: 1 } as const;
export const OUTPUT_COUNTS = 2;

/** To the agent, in order. */
export type ToOutbox =
  /** A thread is about to start: this is where it leaves what is for others. */
  | { readonly kind: 'begin'; readonly thread: number; readonly ring: SharedArrayBuffer }
  /** It has ended. */
  | { readonly kind: 'end'; readonly thread: number }
  /** Threads have written something. */
  | { readonly kind: 'look' }
  /** The driver has printed so many bytes of what a node had sent. */
  | { readonly kind: 'printed'; readonly node: string; readonly job: number; readonly bytes: number };
