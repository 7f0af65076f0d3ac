import type { Records } from '../tables/records.ts';
import { commit } from './commit.ts';
import type { Change, Link, ShardEffect, ShardEvent } from './ports.ts';
import type { ShardState } from './state.ts';
import { eachChange, type Subscription } from './subscriptions.ts';

type Read = Extract<ShardEvent, { kind: 'read' }>;
type Sub = Extract<ShardEvent, { kind: 'sub' }>;

/** One part of a snapshot has so many bytes, or one record more. */
const PART = 256 * 1024;

/** Answers with what is there now, when that is committed. */
export function onRead(state: ShardState, { link, reqNo, table, keys }: Read, effects: ShardEffect[]): void {
  const records = state.core.tables.get(table);
  const atSeq = state.core.applied;
  const values = keys.map((key) => {
    const slot = records?.find(key, 0, key.length) ?? -1;
    return records === undefined || slot < 0 ? null : changeOf(records, slot);
  });
  hold(state, link, [{ kind: 'values', link, reqNo, atSeq, values }], null, effects);
}

/** Tells the link what there is, or what it has missed, and from then on of every change. */
export function onSub(state: ShardState, sub: Sub, effects: ShardEffect[]): void {
  const { link, subId, table, fromSeq } = sub;
  const prefix = sub.prefix.toString('latin1');
  const missed = fromSeq === null ? null : state.ring.after(fromSeq, state.committed);
  const afterSeq = missed === null ? state.core.applied : state.committed;
  const subscription: Subscription = { link, subId, table, prefix, afterSeq, begun: false, changes: [] };
  state.subscriptions.add(subscription);
  if (missed === null) {
    const reset: ShardEffect[] = fromSeq === null ? [] : [{ kind: 'reset', link, subId }];
    hold(state, link, [...reset, ...snapshot(state, subscription)], subscription, effects);
    return;
  }
  for (const { bytes } of missed)
    eachChange(bytes, (of, change) => {
      if (of === table && change.seq > (fromSeq ?? 0) && change.key.toString('latin1', 0, prefix.length) === prefix)
        subscription.changes.push(change);
    });
  state.subscriptions.begin(subscription);
  state.subscriptions.flush(effects);
}

function snapshot({ core }: ShardState, { link, subId, table, prefix }: Subscription): ShardEffect[] {
  const found = core.tables.get(table);
  const atSeq = core.applied;
  const parts: ShardEffect[] = [];
  let records: Change[] = [];
  let bytes = 0;
  for (let slot = 0; slot < (found?.slots ?? 0); slot++) {
    if (found?.has(slot) !== true || found.key(slot).toString('latin1', 0, prefix.length) !== prefix) continue;
    records.push(changeOf(found, slot));
    bytes += found.keyLength(slot) + found.valueLength(slot);
    if (bytes < PART) continue;
    parts.push({ kind: 'snap', link, subId, atSeq, records, last: false });
    records = [];
    bytes = 0;
  }
  parts.push({ kind: 'snap', link, subId, atSeq, records, last: true });
  return parts;
}

/** A copy: the table's memory changes. */
function changeOf(records: Records, slot: number): Change {
  const keyLength = records.keyLength(slot);
  const start = records.offset(slot);
  const bytes = Buffer.allocUnsafeSlow(keyLength + records.valueLength(slot));
  records.buffer(slot).copy(bytes, 0, start, start + bytes.length);
  return { seq: records.seq(slot), key: bytes.subarray(0, keyLength), value: bytes.subarray(keyLength) };
}

function hold(
  state: ShardState,
  link: Link,
  answers: readonly ShardEffect[],
  subscription: Subscription | null,
  effects: ShardEffect[],
): void {
  state.held.push({ seq: state.core.applied, link, effects: answers, subscription });
  commit(state, effects);
}
