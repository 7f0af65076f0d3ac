/** A client's side of the shard's messages: events to frames, frames to what the shard said. */
import type { Heard, Told } from '../gcs/client/ports.ts';
import type { Change, Link } from '../gcs/shard/index.ts';
import { malformed } from '../transport/errors.ts';
import { encode } from '../transport/messages/message.ts';
import { bufferOf } from './records.ts';
import { headTable, type ShardMessages } from './table.ts';

/** The frame of what a client says. */
export function frameOf(event: Told): Uint8Array {
  switch (event.kind) {
    case 'hello':
      return encode(headTable.HELLO, event);
    case 'write':
      return encode(headTable.WRITE, event);
    case 'resent':
      return encode(headTable.RESENT, {});
    case 'read':
      return encode(headTable.READ, event);
    case 'sub':
      return encode(headTable.SUB, { ...event, fromSeq: event.fromSeq ?? 0 });
    case 'unsub':
      return encode(headTable.UNSUB, event);
  }
}

type Names = 'GREETING' | 'DONE' | 'VALUES' | 'SNAP' | 'EVENT' | 'RESET' | 'STALE' | 'EXPIRED' | 'GAP' | 'BUSY';

type Said = { [K in Names]: { readonly name: K; readonly values: ShardMessages[K] } }[Names];

const names: ReadonlySet<string> = new Set<Names>([
  'GREETING',
  'DONE',
  'VALUES',
  'SNAP',
  'EVENT',
  'RESET',
  'STALE',
  'EXPIRED',
  'GAP',
  'BUSY',
]);

/** Whether a message comes from the shard. */
export function isFromShard(message: { readonly name: string }): message is Said {
  return names.has(message.name);
}

/** The most bytes of values of one read that are put together. */
const MOST_VALUES = 64 * 2 ** 20;

/** Reads what one channel says. */
export class FromShard {
  readonly #link: Link;
  readonly #client: string;
  /** Values of reads that are not whole yet. */
  readonly #values = new Map<number, (Change | null)[]>();
  #bytes = 0;

  constructor(link: Link, client: string) {
    this.#link = link;
    this.#client = client;
  }

  /** What the shard said; undefined: more belongs to it. */
  effectOf(message: Said): Heard | undefined {
    const link = this.#link;
    switch (message.name) {
      case 'GREETING':
        return { kind: 'welcome', link, ...message.values };
      case 'DONE':
        return { kind: 'done', link, ...message.values, results: resultsOf(message.values.results) };
      case 'VALUES':
        return this.#collect(message.values);
      case 'SNAP':
        return { kind: 'snap', link, ...message.values };
      case 'EVENT':
        return { kind: 'event', link, ...message.values };
      case 'RESET':
        return { kind: 'reset', link, ...message.values };
      case 'STALE':
        return { kind: 'stale', link, ...message.values };
      case 'EXPIRED':
        return { kind: 'session-expired', link, client: this.#client };
      case 'GAP':
        return { kind: 'gap', link, ...message.values };
      case 'BUSY':
        return { kind: 'busy', link, ...message.values };
    }
  }

  #collect({ reqNo, atSeq, last, values }: ShardMessages['VALUES']): (Heard & { kind: 'values' }) | undefined {
    const before = this.#values.get(reqNo);
    for (const value of values) this.#bytes += value?.value?.length ?? 0;
    if (this.#bytes > MOST_VALUES) throw malformed(`The values of a read are more than ${MOST_VALUES} bytes`);
    const all = before ?? [];
    all.push(...values);
    if (!last) {
      this.#values.set(reqNo, all);
      return undefined;
    }
    this.#values.delete(reqNo);
    if (this.#values.size === 0) this.#bytes = 0;
    return { kind: 'values', link: this.#link, reqNo, atSeq, values: all };
  }
}

/** The length of a result's head: `gcs/shard/results.ts`. */
const RESULT = 4;

/** Checks that results are such, and copies them: they outlive their frame. */
function resultsOf(bytes: Uint8Array): Buffer {
  let at = 0;
  while (at < bytes.length) {
    const length = bytes[at + 3];
    if (length !== 0 && length !== 8) throw malformed('A result has a length that none has');
    at += RESULT + length;
  }
  if (at !== bytes.length) throw malformed('A result is cut off');
  return Buffer.from(bufferOf(bytes));
}
