/** The shard's side of its messages: frames to events, effects to frames. */
import type { Heard } from '../gcs/client/ports.ts';
import type { Change, ClientId, Link, ShardEvent } from '../gcs/shard/index.ts';
import { encode } from '../transport/messages/message.ts';
import { bufferOf, sizeOf } from './records.ts';
import { headTable, type ShardMessages } from './table.ts';

type Received = {
  [K in 'HELLO' | 'WRITE' | 'RESENT' | 'READ' | 'SUB' | 'UNSUB']: {
    readonly name: K;
    readonly values: ShardMessages[K];
  };
}[keyof ShardMessages & ('HELLO' | 'WRITE' | 'RESENT' | 'READ' | 'SUB' | 'UNSUB')];

const received: ReadonlySet<string> = new Set(['HELLO', 'WRITE', 'RESENT', 'READ', 'SUB', 'UNSUB']);

/** Whether a message is one for the shard. */
export function isForShard(message: { readonly name: string }): message is Received {
  return received.has(message.name);
}

/** What the shard is told by a message of `client`. Operations are a view of the frame. */
export function eventOf(message: Received, link: Link, client: ClientId): ShardEvent {
  switch (message.name) {
    case 'HELLO':
      return { kind: 'hello', link, client, ...message.values };
    case 'WRITE': {
      const { epoch, batchNo, ackBelow, resend, ops } = message.values;
      return { kind: 'write', link, client, epoch, batchNo, ackBelow, resend, ops: bufferOf(ops) };
    }
    case 'RESENT':
      return { kind: 'resent', client };
    case 'READ':
      return { kind: 'read', link, ...message.values };
    case 'SUB': {
      const { epoch, subId, table, fromSeq, prefix } = message.values;
      // A copy: a subscription outlives its frame.
      return {
        kind: 'sub',
        link,
        epoch,
        subId,
        table,
        prefix: Buffer.from(prefix),
        fromSeq: fromSeq === 0 ? null : fromSeq,
      };
    }
    case 'UNSUB':
      return { kind: 'unsub', link, ...message.values };
  }
}

/** So many bytes of records go into one frame, or one record. */
const PART = 512 * 1024;

/** What is sent to the client. Most effects are one frame; records may need several. */
export function framesOf(effect: Heard): readonly Uint8Array[] {
  switch (effect.kind) {
    case 'welcome':
      return [encode(headTable.GREETING, effect)];
    case 'done':
      return [encode(headTable.DONE, effect)];
    case 'values':
      return parts(effect.values).map((values, i, all) =>
        encode(headTable.VALUES, { ...effect, values, last: i === all.length - 1 }),
      );
    case 'snap':
      return parts(effect.records).map((records, i, all) =>
        encode(headTable.SNAP, { ...effect, records, last: effect.last && i === all.length - 1 }),
      );
    case 'event':
      return parts(effect.changes).map((changes) => encode(headTable.EVENT, { subId: effect.subId, changes }));
    case 'reset':
      return [encode(headTable.RESET, effect)];
    case 'stale':
      return [encode(headTable.STALE, effect)];
    case 'session-expired':
      return [encode(headTable.EXPIRED, {})];
    case 'gap':
      return [encode(headTable.GAP, effect)];
    case 'busy':
      return [encode(headTable.BUSY, effect)];
  }
}

function parts<T extends Change | null>(changes: readonly T[]): readonly (readonly T[])[] {
  const found: T[][] = [[]];
  let bytes = 0;
  for (const change of changes) {
    const size = sizeOf(change);
    if (bytes > 0 && bytes + size > PART) {
      found.push([]);
      bytes = 0;
    }
    (found.at(-1) as T[]).push(change);
    bytes += size;
  }
  return found;
}
