import type { Step } from '../../common/step.ts';
import { Table } from '../tables/tables.ts';
import { commit, durable } from './commit.ts';
import type { ShardEffect, ShardEvent } from './ports.ts';
import { onRead, onSub } from './reads.ts';
import type { ShardState } from './state.ts';
import { onResent, onWrite } from './writes.ts';

/** A shard of the GCS that is a chain of one: head and tail at once. */
export const shard: Step<ShardState, ShardEvent, ShardEffect> = (state, event, { now }) => {
  const effects: ShardEffect[] = [];
  if ('epoch' in event && event.kind !== 'start' && event.epoch !== state.epoch)
    return [{ kind: 'stale', link: event.link, epoch: state.epoch ?? 0 }];
  switch (event.kind) {
    case 'start':
      onStart(state, event, now, effects);
      break;
    case 'hello':
      onHello(state, event, effects);
      break;
    case 'write':
      onWrite(state, event, now, effects);
      break;
    case 'resent':
      onResent(state, event.client);
      break;
    case 'read':
      onRead(state, event, effects);
      break;
    case 'sub':
      onSub(state, event, effects);
      break;
    case 'unsub':
      state.subscriptions.remove(event.link, event.subId);
      break;
    case 'closed':
      onClosed(state, event.link);
      break;
    case 'written':
    case 'synced':
      onLog(state, event, effects);
      break;
    case 'log-failed':
      // What was not acknowledged never is: a sync that failed is not tried again.
      state.epoch = null;
      effects.push({ kind: 'halt' });
      break;
  }
  return effects;
};

type Of<Kind extends ShardEvent['kind']> = Extract<ShardEvent, { kind: Kind }>;

function onStart(
  state: ShardState,
  { epoch, clean, reconnectMs }: Of<'start'>,
  now: number,
  effects: ShardEffect[],
): void {
  state.epoch = epoch;
  if (clean) return;
  const { core } = state;
  const nodes = core.tables.get(Table.node);
  const missing = new Set<string>();
  for (let slot = 0; slot < (nodes?.slots ?? 0); slot++) {
    if (nodes?.has(slot) !== true || core.isEnded(nodes.key(slot))) continue;
    missing.add(nodes.key(slot).toString('hex'));
  }
  if (missing.size === 0) return;
  state.resending = { missing, until: now + reconnectMs };
  effects.push({ kind: 'wake', at: now + reconnectMs });
}

function onHello(state: ShardState, { link, client, ackBelow }: Of<'hello'>, effects: ShardEffect[]): void {
  const { sessions } = state.core;
  if (sessions.isEnded(client)) {
    effects.push({ kind: 'session-expired', link, client });
    return;
  }
  state.links.set(client, link);
  state.rewound.delete(client);
  effects.push({ kind: 'welcome', link, epoch: state.epoch ?? 0, lastBatch: sessions.lastBatch(client) });
  for (const { batchNo, firstSeq, lastSeq, results } of sessions.completions(client)) {
    if (batchNo < ackBelow || lastSeq > state.committed) continue;
    effects.push({ kind: 'done', link, batchNo, firstSeq, lastSeq, results, durable: durable(state) });
  }
}

function onLog(state: ShardState, { kind, seq }: Of<'written' | 'synced'>, effects: ShardEffect[]): void {
  if (state.epoch === null) return;
  state.written = Math.max(state.written, seq);
  if (kind === 'synced') state.synced = Math.max(state.synced, seq);
  commit(state, effects);
}

function onClosed(state: ShardState, closed: number): void {
  state.subscriptions.closeLink(closed);
  for (const [client, link] of state.links) {
    if (link !== closed) continue;
    state.links.delete(client);
    state.rewound.delete(client);
  }
  const kept = state.held.filter(({ link }) => link !== closed);
  state.held.splice(0, state.held.length, ...kept);
}
