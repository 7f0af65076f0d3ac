/**
 * What passes between the head and the processes of its cluster, on the channel that they dial: numbers from 16 on. The sender of
 * a message is the peer that proved the token; no message names its sender.
 */
import type { Change } from '../gcs/shard/index.ts';
import { FRAME_BYTES } from '../transport/limits.ts';
import { bytesUpTo, nodeId, rest, textUpTo, u8, u16, u32, u53 } from '../transport/messages/kinds.ts';
import { Decoder, message, type Table } from '../transport/messages/message.ts';
import { flag, keys, records, recordsOrNone } from './records.ts';

/** Messages of the shard: what they mean stands in `gcs/shard/ports.ts`, under the same names. */
export interface ShardMessages {
  readonly HELLO: { readonly epoch: number; readonly ackBelow: number };
  readonly WRITE: {
    readonly epoch: number;
    readonly batchNo: number;
    readonly ackBelow: number;
    readonly resend: boolean;
    /** `gcs/shard/operations.ts`. */
    readonly ops: Uint8Array;
  };
  readonly RESENT: Empty;
  readonly READ: {
    readonly epoch: number;
    readonly reqNo: number;
    readonly table: number;
    readonly keys: readonly Buffer[];
  };
  /** `fromSeq` 0: nothing is known. */
  readonly SUB: {
    readonly epoch: number;
    readonly subId: number;
    readonly table: number;
    readonly fromSeq: number;
    readonly prefix: Uint8Array;
  };
  readonly UNSUB: { readonly subId: number };
  readonly GREETING: { readonly epoch: number; readonly lastBatch: number };
  readonly DONE: {
    readonly batchNo: number;
    readonly firstSeq: number;
    readonly lastSeq: number;
    readonly durable: number;
    readonly results: Uint8Array;
  };
  /** A part of the values; `last`: the rest of them. */
  readonly VALUES: {
    readonly reqNo: number;
    readonly atSeq: number;
    readonly last: boolean;
    readonly values: readonly (Change | null)[];
  };
  readonly SNAP: {
    readonly subId: number;
    readonly atSeq: number;
    readonly last: boolean;
    readonly records: readonly Change[];
  };
  readonly EVENT: { readonly subId: number; readonly changes: readonly Change[] };
  readonly RESET: { readonly subId: number };
  /** `epoch` 0: it does not serve yet. */
  readonly STALE: { readonly epoch: number };
  readonly EXPIRED: Empty;
  readonly GAP: { readonly lastBatch: number };
  readonly BUSY: { readonly batchNo: number; readonly ms: number };
}

/** Messages of the authority for life and death: `gcs/members/ports.ts`. */
export interface MemberMessages {
  /** `body`: `bodies.ts`. */
  readonly REGISTER: { readonly body: Uint8Array };
  /** `reconnectMs`: nodes that cannot reach one another for so long complain. */
  readonly REGISTERED: { readonly reconnectMs: number };
  /** A sign of life, and the load: `bodies.ts`. */
  readonly REPORT: { readonly no: number; readonly body: Uint8Array };
  readonly REPORTED: { readonly no: number };
  readonly JOB: { readonly no: number; readonly name: string; readonly namespace: string };
  readonly JOB_IS: { readonly no: number; readonly job: number };
  readonly END_JOB: { readonly job: number };
  readonly JOB_ENDED: { readonly job: number };
  readonly BYE: Empty;
  readonly BYE_HEARD: Empty;
  /** The process of `node` has ended: its supervisor has seen it. `begun`: names of attempts (`core/run/begun.ts`), if they are `known`. */
  readonly EXITED: {
    readonly node: string;
    readonly cause: string;
    readonly known: boolean;
    readonly begun: Uint8Array;
  };
  readonly SUSPECTED: { readonly node: string; readonly suspected: boolean };
  /** The sender cannot reach the node `of`, which lives. */
  readonly COMPLAIN: { readonly of: string; readonly why: string };
}

/** Between submitters and the scheduler, by way of the head: `bodies.ts` has the bodies. */
export interface SchedulerMessages {
  readonly REQUEST: { readonly body: Uint8Array };
  readonly GRANTED: { readonly body: Uint8Array };
  /** `scheduler`: which one asks. Another one than before numbers its grants from 1 again. */
  readonly ASK_ALL: { readonly scheduler: number };
  /** The sender is the scheduler of this cluster, and this is its number. */
  readonly SCHEDULER: { readonly scheduler: number };
  /** What `node` sent: a report or a request. */
  readonly FROM: { readonly node: string; readonly kind: number; readonly no: number; readonly body: Uint8Array };
  /** `node` is there again on a new channel: what was sent to it may be lost. */
  readonly AGAIN: { readonly node: string };
  readonly TO: { readonly node: string; readonly kind: number; readonly body: Uint8Array };
}

type Empty = Readonly<Record<never, never>>;

/** Kinds of FROM and TO. */
export const Passed = { report: 1, request: 2, granted: 3, askAll: 4, malformed: 5 } as const;

export type HeadMessages = ShardMessages & MemberMessages & SchedulerMessages;

const again = { repeatable: true };
const short = { repeatable: true, limit: 64 };
const text = textUpTo(1024);

export const headTable: Table<HeadMessages> = {
  HELLO: message(16, 'dialer', { epoch: u32, ackBelow: u53 }, short),
  WRITE: message(17, 'dialer', { epoch: u32, batchNo: u53, ackBelow: u53, resend: flag, ops: rest }, again),
  RESENT: message(18, 'dialer', {}, short),
  READ: message(19, 'dialer', { epoch: u32, reqNo: u53, table: u8, keys }, again),
  SUB: message(20, 'dialer', { epoch: u32, subId: u32, table: u8, fromSeq: u53, prefix: bytesUpTo(1024) }, again),
  UNSUB: message(21, 'dialer', { subId: u32 }, short),
  GREETING: message(24, 'acceptor', { epoch: u32, lastBatch: u53 }, short),
  DONE: message(25, 'acceptor', { batchNo: u53, firstSeq: u53, lastSeq: u53, durable: u53, results: rest }, again),
  VALUES: message(26, 'acceptor', { reqNo: u53, atSeq: u53, last: flag, values: recordsOrNone }),
  SNAP: message(27, 'acceptor', { subId: u32, atSeq: u53, last: flag, records }),
  EVENT: message(28, 'acceptor', { subId: u32, changes: records }, again),
  RESET: message(29, 'acceptor', { subId: u32 }, short),
  STALE: message(30, 'acceptor', { epoch: u32 }, short),
  EXPIRED: message(31, 'acceptor', {}, short),
  GAP: message(32, 'acceptor', { lastBatch: u53 }, short),
  BUSY: message(33, 'acceptor', { batchNo: u53, ms: u16 }, short),
  REGISTER: message(40, 'dialer', { body: rest }, { repeatable: true, limit: 65_536 }),
  REGISTERED: message(41, 'acceptor', { reconnectMs: u53 }, short),
  REPORT: message(42, 'dialer', { no: u53, body: rest }, { repeatable: true, limit: 65_536 }),
  REPORTED: message(43, 'acceptor', { no: u53 }, short),
  JOB: message(44, 'dialer', { no: u32, name: text, namespace: text }, again),
  JOB_IS: message(45, 'acceptor', { no: u32, job: u32 }, short),
  END_JOB: message(46, 'dialer', { job: u32 }, short),
  JOB_ENDED: message(47, 'acceptor', { job: u32 }, short),
  BYE: message(48, 'dialer', {}, short),
  BYE_HEARD: message(49, 'acceptor', {}, short),
  SUSPECTED: message(50, 'acceptor', { node: nodeId, suspected: flag }, short),
  EXITED: message(
    51,
    'dialer',
    { node: nodeId, cause: text, known: flag, begun: rest },
    { repeatable: true, limit: 98_304 },
  ),
  COMPLAIN: message(52, 'dialer', { of: nodeId, why: text }, again),
  // FROM must have room for it.
  REQUEST: message(56, 'dialer', { body: rest }, { repeatable: true, limit: FRAME_BYTES - 64 }),
  GRANTED: message(57, 'acceptor', { body: rest }, again),
  ASK_ALL: message(58, 'acceptor', { scheduler: u32 }, short),
  SCHEDULER: message(59, 'dialer', { scheduler: u32 }, short),
  FROM: message(60, 'acceptor', { node: nodeId, kind: u8, no: u53, body: rest }, again),
  AGAIN: message(61, 'acceptor', { node: nodeId }, short),
  TO: message(62, 'dialer', { node: nodeId, kind: u8, body: rest }, again),
};

export const headDecoder: Decoder<HeadMessages> = new Decoder(headTable);
