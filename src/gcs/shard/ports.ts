/** What a shard is told and what it says: its only dealings with links, the log and the clock. */

/** A connection to a client: a number that is never used again. */
export type Link = number;
/** 16 hexadecimal digits: a NodeId, or of another client. */
export type ClientId = string;

export type ShardEvent =
  /**
   * It begins to serve. `clean`: the log ended as a shard that stops ends it. If not, only what clients resend is taken until
   * every node alive in the table has said `resent`, or `reconnectMs` have passed.
   */
  | { readonly kind: 'start'; readonly epoch: number; readonly clean: boolean; readonly reconnectMs: number }
  /** A client is there: again, maybe. It knows the outcome of all its batches below `ackBelow`. */
  | {
      readonly kind: 'hello';
      readonly link: Link;
      readonly epoch: number;
      readonly client: ClientId;
      readonly ackBelow: number;
    }
  /** Operations (`operations.ts`), carried out in order. Batches of a client are numbered from 1, without holes. */
  | {
      readonly kind: 'write';
      readonly link: Link;
      readonly epoch: number;
      readonly client: ClientId;
      readonly batchNo: number;
      readonly ackBelow: number;
      /** Whether the client had an answer to it, or no connection, before the shard started. */
      readonly resend: boolean;
      readonly ops: Buffer;
    }
  /** The client has resent what it had. */
  | { readonly kind: 'resent'; readonly client: ClientId }
  | {
      readonly kind: 'read';
      readonly link: Link;
      readonly epoch: number;
      readonly reqNo: number;
      readonly table: number;
      readonly keys: readonly Buffer[];
    }
  /** What begins with `prefix`, now and from now on; after `fromSeq`, if that is known, only what has changed. */
  | {
      readonly kind: 'sub';
      readonly link: Link;
      readonly epoch: number;
      readonly subId: number;
      readonly table: number;
      readonly prefix: Buffer;
      readonly fromSeq: number | null;
    }
  | { readonly kind: 'unsub'; readonly link: Link; readonly subId: number }
  | { readonly kind: 'closed'; readonly link: Link }
  /** All up to `seq` is with the operating system. */
  | { readonly kind: 'written'; readonly seq: number }
  /** All up to `seq` is on the disk. */
  | { readonly kind: 'synced'; readonly seq: number }
  /** A write or sync failed: nothing after it is known. */
  | { readonly kind: 'log-failed' }
  | { readonly kind: 'tick' };

/** A record as clients are told of it; without a value: it was deleted. */
export interface Change {
  readonly seq: number;
  readonly key: Buffer;
  readonly value: Buffer | null;
}

export type ShardEffect =
  /** Answer to `hello`: the last batch that was carried out. `done` of those from `ackBelow` on follows. */
  | { readonly kind: 'welcome'; readonly link: Link; readonly epoch: number; readonly lastBatch: number }
  /**
   * The batch is carried out and acknowledged. `results`: of the operations that are not plain OK (`results.ts`). What is at or
   * below `durable` is on the disk: until then the client keeps facts, to resend them.
   */
  | {
      readonly kind: 'done';
      readonly link: Link;
      readonly batchNo: number;
      readonly firstSeq: number;
      readonly lastSeq: number;
      readonly results: Buffer;
      readonly durable: number;
    }
  | {
      readonly kind: 'values';
      readonly link: Link;
      readonly reqNo: number;
      readonly atSeq: number;
      readonly values: readonly (Change | null)[];
    }
  /** A part of what is there; `last`: all of it. Changes after `atSeq` follow. */
  | {
      readonly kind: 'snap';
      readonly link: Link;
      readonly subId: number;
      readonly atSeq: number;
      readonly records: readonly Change[];
      readonly last: boolean;
    }
  | { readonly kind: 'event'; readonly link: Link; readonly subId: number; readonly changes: readonly Change[] }
  /** Changes may have been missed: forget what is known, a snapshot follows. */
  | { readonly kind: 'reset'; readonly link: Link; readonly subId: number }
  /** Another configuration holds: ask the register. */
  | { readonly kind: 'stale'; readonly link: Link; readonly epoch: number }
  | { readonly kind: 'session-expired'; readonly link: Link; readonly client: ClientId }
  /** A batch before this one is missing: send from `lastBatch + 1` on. */
  | { readonly kind: 'gap'; readonly link: Link; readonly lastBatch: number }
  /** Not now: send it again after so long. */
  | { readonly kind: 'busy'; readonly link: Link; readonly batchNo: number; readonly ms: number }
  /** Operations that are no operations: the link is closed. */
  | { readonly kind: 'refuse'; readonly link: Link; readonly why: string }
  /** To the log, behind what it has. `sync`: it is waited for until it is on the disk. */
  | {
      readonly kind: 'append';
      readonly firstSeq: number;
      readonly lastSeq: number;
      readonly bytes: Buffer;
      readonly sync: boolean;
    }
  /** The log failed: the process ends. */
  | { readonly kind: 'halt' }
  | { readonly kind: 'wake'; readonly at: number };

/** Where a shard keeps its batches: memory, a file, Redis. It says `written`, `synced` and `log-failed` to the shard. */
export interface ShardLog {
  append(firstSeq: number, lastSeq: number, bytes: Buffer, sync: boolean): void;
  /** All batches there are, in order. */
  read(): Iterable<Buffer>;
}
