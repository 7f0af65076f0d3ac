import { commit } from './commit.ts';
import { evaluate, problemOf } from './evaluate.ts';
import type { ClientId, ShardEffect, ShardEvent } from './ports.ts';
import type { ShardState } from './state.ts';

type Write = Extract<ShardEvent, { kind: 'write' }>;

/** So much may be carried out and not acknowledged. */
const MOST_BATCHES = 64;
const MOST_BYTES = 16 * 2 ** 20;
const BUSY_MS = 5;

/** Carries a batch out, unless it was before. */
export function onWrite(state: ShardState, write: Write, now: number, effects: ShardEffect[]): void {
  const refusal = refusalOf(state, write, now);
  if (refusal === 'known') return;
  if (refusal !== null) {
    effects.push(refusal);
    return;
  }
  const { core } = state;
  const { client, batchNo, ackBelow, ops } = write;
  core.writer.begin();
  const sync = evaluate(core, ops);
  const firstSeq = core.applied + 1;
  const lastSeq = firstSeq + core.writer.effects;
  const bytes = core.writer.finish(firstSeq, sync, client, batchNo, ackBelow, state.epoch ?? 0);
  const results = core.writer.resultsOf(bytes);
  core.sessions.complete(client, ackBelow, { batchNo, firstSeq, lastSeq, results });
  core.applied = lastSeq;
  if (state.hasLog) effects.push({ kind: 'append', firstSeq, lastSeq, bytes, sync });
  state.uncommitted.push({ firstSeq, lastSeq, sync, client, batchNo, results, bytes });
  state.uncommittedBytes += bytes.length;
  commit(state, effects);
}

/** What is answered instead of carrying the batch out; 'known': nothing, an answer is on its way. */
function refusalOf(state: ShardState, write: Write, now: number): ShardEffect | 'known' | null {
  const { link, client, batchNo, ops } = write;
  const { sessions, call } = state.core;
  if (sessions.isEnded(client)) return { kind: 'session-expired', link, client };
  if (state.links.get(client) !== link) return { kind: 'refuse', link, why: 'a client says hello first' };
  const lastBatch = sessions.lastBatch(client);
  if (batchNo <= lastBatch) return 'known';
  if (batchNo > lastBatch + 1)
    return isToldToRewind(state, client, lastBatch) ? 'known' : { kind: 'gap', link, lastBatch };
  if (isBusy(state) || (!write.resend && isResending(state, now))) {
    // Those that follow come again with it: to answer each would make ever more of them.
    state.rewound.set(client, lastBatch);
    return { kind: 'busy', link, batchNo, ms: BUSY_MS };
  }
  const why = problemOf(ops, call);
  return why === null ? null : { kind: 'refuse', link, why };
}

function isToldToRewind({ rewound }: ShardState, client: ClientId, lastBatch: number): boolean {
  if (rewound.get(client) === lastBatch) return true;
  rewound.set(client, lastBatch);
  return false;
}

function isBusy({ uncommitted, uncommittedBytes }: ShardState): boolean {
  return uncommitted.length >= MOST_BATCHES || uncommittedBytes >= MOST_BYTES;
}

function isResending(state: ShardState, now: number): boolean {
  if (state.resending !== null && now >= state.resending.until) state.resending = null;
  return state.resending !== null;
}

/** The client has resent what it had. */
export function onResent(state: ShardState, client: ClientId): void {
  state.resending?.missing.delete(client);
  if (state.resending?.missing.size === 0) state.resending = null;
}
