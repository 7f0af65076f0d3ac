import assert from 'node:assert/strict';
import type { Change, ClientId, Link, ShardEffect, ShardEvent } from '../../../../src/gcs/shard/index.ts';

interface Batch {
  readonly ops: Buffer;
  /** Whether its outcome may not change once it was told. */
  readonly decides: boolean;
  done: { readonly firstSeq: number; readonly lastSeq: number; readonly results: Buffer } | null;
  durable: boolean;
}

type ToClient = Extract<ShardEffect, { link: Link }>;

/** A client that keeps batches until they are on the disk, and sends them again to a shard that was restarted. */
export class Client {
  readonly id: ClientId;
  readonly batches: Batch[] = [];
  /** What it knows of a table by its subscription. */
  readonly mirror = new Map<string, Change>();
  link: Link = 0;
  #epoch = 0;
  #ready = false;
  #sent = 0;
  #seen = 0;
  #snapshot = true;

  constructor(id: ClientId) {
    this.id = id;
  }

  /** A new link: what it says on it first. */
  connect(link: Link, epoch: number): ShardEvent[] {
    this.link = link;
    this.#epoch = epoch;
    this.#ready = false;
    const sub = this.#snapshot ? null : this.#seen;
    return [
      { kind: 'hello', link, epoch, client: this.id, ackBelow: this.#ackBelow() },
      { kind: 'sub', link, epoch, subId: 1, table: 6, prefix: Buffer.from('k'), fromSeq: sub },
    ];
  }

  submit(ops: Buffer, decides: boolean): ShardEvent[] {
    this.batches.push({ ops, decides, done: null, durable: false });
    return this.#ready ? this.#send(false) : [];
  }

  /** What it answers to a message. */
  on(effect: ToClient): ShardEvent[] {
    if (effect.link !== this.link) return [];
    switch (effect.kind) {
      case 'welcome':
        if (this.#ready) return [];
        this.#ready = true;
        this.#sent = effect.lastBatch;
        return [...this.#send(true), { kind: 'resent', client: this.id }];
      case 'done':
        this.#onDone(effect.batchNo, effect);
        return [];
      case 'gap':
        this.#sent = effect.lastBatch;
        return this.#send(true);
      case 'busy':
        this.#sent = Math.min(this.#sent, effect.batchNo - 1);
        return [];
      case 'reset':
        this.mirror.clear();
        return [];
      case 'snap':
        if (this.#snapshot) this.mirror.clear();
        this.#take(effect.records, effect.atSeq);
        this.#snapshot = !effect.last;
        return [];
      case 'event':
        this.#take(effect.changes, 0);
        return [];
      default:
        throw new Error(`${this.id} was told ${effect.kind}`);
    }
  }

  /** Sends what was refused for a while. */
  again(): ShardEvent[] {
    return this.#ready ? this.#send(false) : [];
  }

  /** The shard lost what was not on the disk: its subscribers must not go on from there. */
  lostPower(): void {
    this.#snapshot = true;
    this.mirror.clear();
    this.#seen = 0;
  }

  #take(changes: readonly Change[], atSeq: number): void {
    for (const change of changes) {
      const key = change.key.toString('latin1');
      // A message may come twice.
      if ((this.mirror.get(key)?.seq ?? 0) > change.seq) continue;
      this.mirror.set(key, change);
      this.#seen = Math.max(this.#seen, change.seq);
    }
    this.#seen = Math.max(this.#seen, atSeq);
  }

  #onDone(batchNo: number, { firstSeq, lastSeq, results, durable }: Extract<ToClient, { kind: 'done' }>): void {
    const batch = this.batches[batchNo - 1];
    assert.ok(batch !== undefined);
    if (batch.done !== null && (batch.decides || batch.durable)) {
      assert.equal(batch.done.firstSeq, firstSeq, 'an outcome is final');
      assert.ok(batch.done.results.equals(results));
    }
    batch.done = { firstSeq, lastSeq, results };
    for (const one of this.batches) if (one.done !== null && one.done.lastSeq <= durable) one.durable = true;
  }

  #ackBelow(): number {
    const first = this.batches.findIndex(({ done, durable }) => done === null || !durable);
    return 1 + (first < 0 ? this.batches.length : first);
  }

  #send(resend: boolean): ShardEvent[] {
    const { link, id: client } = this;
    const events: ShardEvent[] = [];
    for (; this.#sent < this.batches.length; this.#sent++) {
      const batch = this.batches[this.#sent];
      if (batch === undefined) break;
      const batchNo = this.#sent + 1;
      events.push({
        kind: 'write',
        link,
        epoch: this.#epoch,
        client,
        batchNo,
        ackBelow: this.#ackBelow(),
        resend: resend || batch.done !== null,
        ops: batch.ops,
      });
    }
    return events;
  }
}
