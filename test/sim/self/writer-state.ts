import type { Input, Output } from '../program.ts';
import type { Bug } from './bugs.ts';
import type { Record } from './log.ts';
import type { SelfMessage } from './messages.ts';
import { Sessions } from './sessions.ts';

export type WriterInput = Input<SelfMessage, never>;
export type WriterOutput = Output<SelfMessage, never>;

export const leaseLength = 100;
/** A lease counts this much longer at the writer than at the replica, for clocks that run apart. */
export const leaseMargin = 1.1;
/** How many records a subscription can go on from. */
export const ring = 12;

/** Milliseconds of the writer's clock. */
export interface Lease {
  readonly holder: string;
  readonly until: number;
  readonly number: number;
}

/** A batch that is not released. */
export interface Waiting {
  readonly seq: number;
  readonly client: string;
  readonly batch: number;
  /** Where its client is; 0: nobody knows. */
  channel: number;
}

/**
 * released ≤ committed ≤ records. A record is committed when it is synced, and released, told to its client, when also the holder of
 * the lease has it or the lease is over. Reads at the holder therefore show all that any client was told.
 */
export interface WriterState {
  readonly bug: Bug | undefined;
  /** The log, read and written again: before that nothing is answered. */
  ready: boolean;
  /** Inputs that came before. */
  readonly early: WriterInput[];
  records: Record[];
  readonly values: Map<string, string>;
  sessions: Sessions;
  committed: number;
  released: number;
  /** The last record that the sync under way covers; 0: none is under way. */
  syncing: number;
  waiting: Waiting[];
  /** By channel: the replica, which of its attempts this is, and how far it has come. */
  readonly subscribers: Map<number, { readonly replica: string; readonly attempt: number; applied: number }>;
  /** After a start, the lease that an earlier life may have given: to nobody in particular. */
  lease: Lease;
}

export function writerState(bug: Bug | undefined): WriterState {
  return {
    bug,
    ready: false,
    early: [],
    records: [],
    values: new Map(),
    sessions: new Sessions(bug),
    committed: 0,
    released: 0,
    syncing: 0,
    waiting: [],
    subscribers: new Map(),
    lease: { holder: '', until: 0, number: 0 },
  };
}
