import { apply, EFFECT_HEADER, Effect, firstEffect, lastSeq, readHead } from './batch.ts';
import { Core } from './core.ts';
import type { ClientId, Link, ShardEffect } from './ports.ts';
import { Ring } from './ring.ts';
import { type Subscription, Subscriptions } from './subscriptions.ts';

/** A batch that is carried out and not acknowledged. */
export interface Uncommitted {
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Whether it must be on the disk. */
  readonly sync: boolean;
  readonly client: ClientId;
  readonly batchNo: number;
  readonly results: Buffer;
  readonly bytes: Buffer;
}

/** An answer that shows what is not committed yet: it waits for `seq`. */
export interface Held {
  readonly seq: number;
  readonly link: Link;
  readonly effects: readonly ShardEffect[];
  /** The subscription that begins with it. */
  readonly subscription: Subscription | null;
}

export interface ShardState {
  readonly core: Core;
  /** Whether there is a log; without one, what is carried out is committed. */
  readonly hasLog: boolean;
  readonly ring: Ring;
  readonly subscriptions: Subscriptions;
  /** The link on which each client said hello last. */
  readonly links: Map<ClientId, Link>;
  /** The last batch of clients that were told to send again from there: batches beyond the next one are theirs from before. */
  readonly rewound: Map<ClientId, number>;
  readonly uncommitted: Uncommitted[];
  uncommittedBytes: number;
  readonly held: Held[];
  /** null: it does not serve. */
  epoch: number | null;
  written: number;
  synced: number;
  committed: number;
  /** Those who have not said `resent`, and how long they are waited for; null: everything is taken. */
  resending: { readonly missing: Set<ClientId>; readonly until: number } | null;
}

export interface ShardSizes {
  /** The memory that records may take before new work is refused. */
  readonly mostBytes: number;
  /** The committed batches kept for subscribers that come back. */
  readonly ringBytes: number;
}

const DEFAULT_SIZES: ShardSizes = { mostBytes: 4 * 2 ** 30, ringBytes: 64 * 2 ** 20 };

/** A shard with what its log has. `log`: null: there is none. Throws where a batch is missing in the middle. */
export function newShard(log: Iterable<Buffer> | null, sizes: ShardSizes = DEFAULT_SIZES): ShardState {
  const core = new Core(sizes.mostBytes);
  const ring = new Ring(sizes.ringBytes);
  for (const bytes of log ?? []) {
    recover(core, bytes);
    ring.push(readHead(bytes).firstSeq, bytes);
  }
  return {
    core,
    hasLog: log !== null,
    ring,
    subscriptions: new Subscriptions(),
    links: new Map(),
    rewound: new Map(),
    uncommitted: [],
    uncommittedBytes: 0,
    held: [],
    epoch: null,
    written: core.applied,
    synced: core.applied,
    committed: core.applied,
    resending: null,
  };
}

function recover(core: Core, bytes: Buffer): void {
  const head = readHead(bytes);
  if (head.firstSeq !== core.applied + 1)
    throw new Error(`the log goes on at ${head.firstSeq}; what is behind ${core.applied} is missing`);
  let at = firstEffect(bytes);
  for (let i = 1; i <= head.effects; i++) {
    if (bytes[at] === Effect.endSession)
      core.sessions.end(bytes.toString('hex', at + EFFECT_HEADER, at + EFFECT_HEADER + 8));
    at = apply(core.tables, bytes, at, head.firstSeq + i);
  }
  const { client, ackBelow, batchNo, firstSeq, results } = head;
  core.sessions.complete(client, ackBelow, { batchNo, firstSeq, lastSeq: lastSeq(head), results });
  core.applied = lastSeq(head);
}
