import type { Process } from './process.ts';
import type { Message } from './program.ts';

/** Called when a process handles a message: before, and after. */
export interface Watch {
  readonly before?: () => void;
  readonly after?: () => void;
}

/** What is under way to an end: a message, or the end of the channel. */
interface Item {
  readonly at: number;
  readonly message: Message | undefined;
  readonly watch: Watch;
}

/** One side of a channel. */
export interface End {
  readonly channel: Channel;
  readonly process: Process;
  readonly dialled: boolean;
  /** Its process has heard `open`. */
  told: boolean;
  /** Its process has not heard `closed`, and has not closed it. */
  open: boolean;
  readonly incoming: Item[];
  lastAt: number;
  pumping: boolean;
}

export interface Channel {
  readonly number: number;
  readonly ends: readonly [End, End];
  /** Nothing that is sent from now on arrives. */
  broken: boolean;
}

export const otherEnd = (end: End): End => end.channel.ends[end.dialled ? 1 : 0];
