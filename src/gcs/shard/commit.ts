import type { ShardEffect } from './ports.ts';
import type { ShardState } from './state.ts';

/** Acknowledges what the log has: facts when they are written, decisions when they are on the disk, all in order. */
export function commit(state: ShardState, effects: ShardEffect[]): void {
  const { uncommitted, ring, subscriptions, links } = state;
  let n = 0;
  for (const { firstSeq, lastSeq, sync, client, batchNo, results, bytes } of uncommitted) {
    if (state.hasLog && lastSeq > (sync ? state.synced : state.written)) break;
    n += 1;
    state.committed = lastSeq;
    state.uncommittedBytes -= bytes.length;
    ring.push(firstSeq, bytes);
    subscriptions.note(bytes);
    const link = links.get(client);
    if (link !== undefined)
      effects.push({ kind: 'done', link, batchNo, firstSeq, lastSeq, results, durable: durable(state) });
  }
  if (n > 0) uncommitted.splice(0, n);
  release(state, effects);
  subscriptions.flush(effects);
}

/** What is at or below this outlives a loss of power. Without a log nothing does, and nobody waits for it. */
export function durable(state: ShardState): number {
  return state.hasLog ? Math.min(state.synced, state.committed) : state.committed;
}

/** Sends answers that show nothing uncommitted any more. */
function release({ held, committed, subscriptions }: ShardState, effects: ShardEffect[]): void {
  let n = 0;
  for (const { seq, effects: answers, subscription } of held) {
    if (seq > committed) break;
    n += 1;
    if (subscription !== null && !subscriptions.has(subscription)) continue;
    effects.push(...answers);
    if (subscription !== null) subscriptions.begin(subscription);
  }
  if (n > 0) held.splice(0, n);
}
