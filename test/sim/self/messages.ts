import { flag, list, type MessageOf, number, orNull, text } from '../messages.ts';

/** A change of one key. `append` adds a word to its text. */
export type Change =
  | { readonly do: 'write'; readonly key: string; readonly value: string }
  | { readonly do: 'cas'; readonly key: string; readonly expect: string | null; readonly value: string }
  | { readonly do: 'append'; readonly key: string; readonly value: string };

/** Of a write: null; of a compare-and-set: whether it has written; of an append: its index. */
export type Result = null | boolean | number;

/** What a change made of a key. */
export type Effect = readonly [key: string, value: string];

export interface Done {
  readonly batch: number;
  readonly results: readonly Result[];
}

/**
 * A small protocol that only tests the simulator. One writer keeps a log on disk; two replicas follow it; the one that holds a lease
 * answers reads; clients write in batches of a session, which they send again until they are answered.
 */
export const selfMessages = {
  HELLO: {
    from: ['client'],
    to: ['writer'],
    by: 'channel',
    fields: { client: text, ackBelow: number },
    answers: ['WELCOME'],
  },
  /** The outcomes of this session that the writer still has. */
  WELCOME: { from: ['writer'], to: ['client'], by: 'channel', fields: { done: list<Done>() } },
  WRITE: {
    from: ['client'],
    to: ['writer'],
    by: 'channel',
    fields: { client: text, batch: number, ackBelow: number, changes: list<Change>() },
    answers: ['DONE'],
  },
  DONE: { from: ['writer'], to: ['client'], by: 'channel', fields: { batch: number, results: list<Result>() } },
  READ: {
    from: ['client'],
    to: ['replica'],
    by: 'channel',
    fields: { request: number, key: text },
    answers: ['VALUE'],
  },
  /** `served` false: the replica has no lease. */
  VALUE: {
    from: ['replica'],
    to: ['client'],
    by: 'channel',
    fields: { request: number, served: flag, value: orNull(text) },
  },
  SUB: {
    from: ['replica'],
    to: ['writer'],
    by: 'channel',
    fields: { replica: text, attempt: number, fromSeq: number },
    answers: ['SUBBED', 'SNAP'],
  },
  /** Events go on after `fromSeq`. */
  SUBBED: { from: ['writer'], to: ['replica'], by: 'channel', fields: { fromSeq: number } },
  /** The writer no longer has what comes after `fromSeq`: everything, instead. */
  SNAP: { from: ['writer'], to: ['replica'], by: 'channel', fields: { seq: number, records: list<Effect>() } },
  EVENT: {
    from: ['writer'],
    to: ['replica'],
    by: 'channel',
    fields: { seq: number, effects: list<Effect>() },
    answers: ['APPLIED'],
  },
  APPLIED: { from: ['replica'], to: ['writer'], by: 'channel', fields: { seq: number } },
  LEASE_ASK: {
    from: ['replica'],
    to: ['writer'],
    by: 'datagram',
    fields: { replica: text, request: number },
    answers: ['LEASE_OK'],
  },
  LEASE_OK: {
    from: ['writer'],
    to: ['replica'],
    by: 'datagram',
    fields: { replica: text, request: number, length: number },
  },
} as const;

export type SelfMessage = MessageOf<typeof selfMessages>;
