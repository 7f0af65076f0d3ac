import { EFFECT_HEADER, Effect, firstEffect, readHead } from './batch.ts';
import type { Change, Link, ShardEffect } from './ports.ts';

export interface Subscription {
  readonly link: Link;
  readonly subId: number;
  readonly table: number;
  readonly prefix: string;
  /** What it is told begins after this. */
  readonly afterSeq: number;
  /** Whether its snapshot was sent: nothing is sent before. */
  begun: boolean;
  /** Changes that are committed and not sent. */
  changes: Change[];
}

/** Subscriptions of one table, by the length of their prefixes, then by the prefix. */
type ByPrefix = Map<number, Map<string, Set<Subscription>>>;

/** Who is told of which keys. */
export class Subscriptions {
  readonly #tables = new Map<number, ByPrefix>();
  readonly #links = new Map<Link, Map<number, Subscription>>();
  readonly #touched = new Set<Subscription>();

  add(subscription: Subscription): void {
    this.remove(subscription.link, subscription.subId);
    const { table, prefix, link, subId } = subscription;
    const lengths = getOrMake(this.#tables, table, () => new Map());
    const prefixes = getOrMake(lengths, prefix.length, () => new Map());
    getOrMake(prefixes, prefix, () => new Set()).add(subscription);
    getOrMake(this.#links, link, () => new Map()).set(subId, subscription);
  }

  has({ link, subId }: Subscription): boolean {
    return this.#links.get(link)?.has(subId) === true;
  }

  remove(link: Link, subId: number): void {
    const subscription = this.#links.get(link)?.get(subId);
    if (subscription === undefined) return;
    this.#links.get(link)?.delete(subId);
    this.#touched.delete(subscription);
    const { table, prefix } = subscription;
    const lengths = this.#tables.get(table);
    const prefixes = lengths?.get(prefix.length);
    const there = prefixes?.get(prefix);
    there?.delete(subscription);
    if (there?.size === 0) prefixes?.delete(prefix);
    if (prefixes?.size === 0) lengths?.delete(prefix.length);
    if (lengths?.size === 0) this.#tables.delete(table);
  }

  closeLink(link: Link): void {
    for (const subId of [...(this.#links.get(link)?.keys() ?? [])]) this.remove(link, subId);
    this.#links.delete(link);
  }

  /** A batch is committed: notes who is to be told of what. */
  note(bytes: Buffer): void {
    if (this.#tables.size === 0) return;
    eachChange(bytes, (table, change) => {
      const lengths = this.#tables.get(table);
      if (lengths === undefined) return;
      for (const [length, prefixes] of lengths) {
        if (length > change.key.length) continue;
        for (const subscription of prefixes.get(change.key.toString('latin1', 0, length)) ?? []) {
          if (change.seq <= subscription.afterSeq) continue;
          subscription.changes.push(change);
          this.#touched.add(subscription);
        }
      }
    });
  }

  /** Lets a subscription have what was noted, from now on. */
  begin(subscription: Subscription): void {
    subscription.begun = true;
    if (subscription.changes.length > 0) this.#touched.add(subscription);
  }

  /** Sends what was noted. */
  flush(effects: ShardEffect[]): void {
    for (const subscription of this.#touched) {
      if (!subscription.begun) continue;
      const { link, subId, changes } = subscription;
      effects.push({ kind: 'event', link, subId, changes });
      subscription.changes = [];
      this.#touched.delete(subscription);
    }
  }
}

/** Tells `visit` of each change of a batch that has a table. */
export function eachChange(bytes: Buffer, visit: (table: number, change: Change) => void): void {
  const { firstSeq, effects } = readHead(bytes);
  let at = firstEffect(bytes);
  for (let i = 1; i <= effects; i++) {
    const kind = bytes[at];
    const keyEnd = at + EFFECT_HEADER + bytes.readUInt16LE(at + 2);
    const end = keyEnd + bytes.readUInt32LE(at + 4);
    if (kind !== Effect.endSession) {
      const value = kind === Effect.delete ? null : bytes.subarray(keyEnd, end);
      visit(bytes[at + 1] ?? 0, { seq: firstSeq + i, key: bytes.subarray(at + EFFECT_HEADER, keyEnd), value });
    }
    at = end;
  }
}

function getOrMake<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
