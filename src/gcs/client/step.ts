/**
 * A client of one shard. Rules:
 *
 * 1. A batch has one number for ever. After a connection broke it is sent again under that number: the shard carries it out once.
 * 2. A batch is kept until its outcome is known and is on the disk: a shard that was restarted may have lost it.
 * 3. Its owner hears of an outcome once.
 * 4. After another configuration began, watchers are told all there is: what they were told may be lost.
 */
import type { Step } from '../../common/step.ts';
import type { ClientEffect, ClientEvent, Heard } from './ports.ts';
import type { ClientState, Watch } from './state.ts';

/** So many batches may be unanswered, and so many bytes of them, or one batch. More would fill the socket, and the pipe stands still. */
const WINDOW = 16;
const WINDOW_BYTES = 384 * 1024;
/** A shard that does not serve yet is asked again after so long. */
const AGAIN_MS = 50;

export const client: Step<ClientState, ClientEvent, ClientEffect> = (state, event, { now }) => {
  const effects: ClientEffect[] = [];
  switch (event.kind) {
    case 'up':
      state.link = event.link;
      hello(state, effects);
      break;
    case 'down':
      if (state.link !== event.link) break;
      state.link = null;
      state.ready = false;
      break;
    case 'submit':
      state.batches.push({ id: event.id, ops: event.ops, lastSeq: null });
      state.submitted += 1;
      send(state, now, effects);
      break;
    case 'ask': {
      const { id, table, keys } = event;
      state.asks.set(id, { id, table, keys, behind: state.submitted, asked: false });
      state.unasked += 1;
      ask(state, effects);
      break;
    }
    case 'watch': {
      const watch: Watch = { ...event, seen: null, snapshot: [] };
      state.watches.set(event.id, watch);
      if (state.ready) subscribe(state, watch, effects);
      break;
    }
    case 'unwatch':
      if (state.watches.delete(event.id) && state.ready && state.link !== null)
        effects.push({ kind: 'tell', event: { kind: 'unsub', link: state.link, subId: event.id } });
      break;
    case 'heard':
      // What a connection said that is gone is said again on the next.
      if (event.said.link === state.link) onHeard(state, event.said, now, effects);
      break;
    case 'tick':
      if (state.link !== null && !state.ready) hello(state, effects);
      send(state, now, effects);
      break;
  }
  return effects;
};

function hello(state: ClientState, effects: ClientEffect[]): void {
  state.ready = false;
  state.pausedUntil = 0;
  const { link, epoch, client: id } = state;
  if (link === null) return;
  effects.push({ kind: 'tell', event: { kind: 'hello', link, epoch, client: id, ackBelow: ackBelow(state) } });
}

/** The number below which all outcomes are known, and on the disk. */
function ackBelow({ first }: ClientState): number {
  return first ?? 1;
}

function onHeard(state: ClientState, said: Heard, now: number, effects: ClientEffect[]): void {
  switch (said.kind) {
    case 'welcome':
      onWelcome(state, said, now, effects);
      break;
    case 'stale':
      onStale(state, said.epoch, now, effects);
      break;
    case 'done':
      onDone(state, said, effects);
      send(state, now, effects);
      break;
    case 'gap':
      state.sent = Math.min(state.sent, said.lastBatch);
      send(state, now, effects);
      break;
    case 'busy':
      state.sent = Math.min(state.sent, said.batchNo - 1);
      state.pausedUntil = now + said.ms;
      effects.push({ kind: 'wake', at: state.pausedUntil });
      break;
    case 'session-expired':
      effects.push({ kind: 'over', why: 'expired' });
      break;
    case 'values':
      if (state.asks.delete(said.reqNo)) effects.push({ kind: 'values', id: said.reqNo, values: said.values });
      break;
    default:
      onChanges(state, said, effects);
  }
}

type Of<Kind extends Heard['kind']> = Extract<Heard, { kind: Kind }>;

/** The shard that answers is of another configuration: hello again, once it serves. */
function onStale(state: ClientState, epoch: number, now: number, effects: ClientEffect[]): void {
  if (epoch <= state.epoch) {
    if (epoch === state.epoch) return;
    state.ready = false;
    effects.push({ kind: 'wake', at: now + AGAIN_MS });
    return;
  }
  for (const watch of state.watches.values()) forget(watch);
  state.epoch = epoch;
  hello(state, effects);
}

function onWelcome(state: ClientState, { lastBatch }: Of<'welcome'>, now: number, effects: ClientEffect[]): void {
  const { link } = state;
  if (state.ready || link === null) return;
  // A process that goes on with the name of another one goes on with its numbers.
  if (state.first === null) {
    state.first = lastBatch + 1;
    state.base = state.first;
  }
  if (lastBatch < state.first - 1) {
    effects.push({ kind: 'over', why: 'state-lost' });
    return;
  }
  state.ready = true;
  state.sent = lastBatch;
  for (const one of state.asks.values()) one.asked = false;
  state.unasked = state.asks.size;
  send(state, now, effects);
  effects.push({ kind: 'tell', event: { kind: 'resent', client: state.client } });
  for (const watch of state.watches.values()) subscribe(state, watch, effects);
}

/** Sends batches as far as the window allows, and the reads behind them. */
function send(state: ClientState, now: number, effects: ClientEffect[]): void {
  sendBatches(state, now, effects);
  ask(state, effects);
}

function sendBatches(state: ClientState, now: number, effects: ClientEffect[]): void {
  const { link, epoch, client: id, batches, first } = state;
  if (!state.ready || link === null || first === null || now < state.pausedUntil) return;
  const known = batches.findIndex(({ lastSeq }) => lastSeq === null);
  const unanswered = first + (known < 0 ? batches.length : known);
  let bytes = 0;
  for (let batchNo = unanswered; batchNo <= state.sent; batchNo++) bytes += batches[batchNo - first]?.ops.length ?? 0;
  for (;;) {
    const batchNo = state.sent + 1;
    const batch = batches[batchNo - first];
    if (batch === undefined || batchNo >= unanswered + WINDOW) return;
    bytes += batch.ops.length;
    if (bytes > WINDOW_BYTES && batchNo > unanswered) return;
    state.sent = batchNo;
    const resend = batchNo <= state.everSent;
    state.everSent = Math.max(state.everSent, batchNo);
    effects.push({
      kind: 'tell',
      event: { kind: 'write', link, epoch, client: id, batchNo, ackBelow: first, resend, ops: batch.ops },
    });
  }
}

function onDone(state: ClientState, { batchNo, lastSeq, results, durable }: Of<'done'>, effects: ClientEffect[]): void {
  const { batches, first } = state;
  if (first === null) return;
  const batch = batches[batchNo - first];
  if (batch !== undefined) {
    // A fact that was lost with its disk has another seq now. Its outcome was told, and stays.
    if (batch.lastSeq === null) effects.push({ kind: 'outcome', id: batch.id, lastSeq, results });
    batch.lastSeq = lastSeq;
  }
  let n = 0;
  while (n < batches.length && (batches[n]?.lastSeq ?? Number.POSITIVE_INFINITY) <= durable) n += 1;
  if (n === 0) return;
  batches.splice(0, n);
  state.first = first + n;
}

/** Sends the reads whose batches were sent: a client reads what it has written. */
function ask(state: ClientState, effects: ClientEffect[]): void {
  const { link, epoch, ready } = state;
  if (state.unasked === 0 || !ready || link === null) return;
  const sent = state.sent - state.base + 1;
  for (const one of state.asks.values()) {
    if (one.asked) continue;
    if (one.behind > sent) return;
    one.asked = true;
    state.unasked -= 1;
    const { id: reqNo, table, keys } = one;
    effects.push({ kind: 'tell', event: { kind: 'read', link, epoch, reqNo, table, keys } });
  }
}

function subscribe({ link, epoch }: ClientState, watch: Watch, effects: ClientEffect[]): void {
  const { id: subId, table, prefix, seen } = watch;
  if (seen === null) watch.snapshot = [];
  if (link !== null)
    effects.push({ kind: 'tell', event: { kind: 'sub', link, epoch, subId, table, prefix, fromSeq: seen } });
}

function forget(watch: Watch): void {
  watch.seen = null;
  watch.snapshot = [];
}

function onChanges(state: ClientState, said: Of<'snap' | 'event' | 'reset'>, effects: ClientEffect[]): void {
  const watch = state.watches.get(said.subId);
  if (watch === undefined) return;
  const { id } = watch;
  if (said.kind === 'reset') forget(watch);
  else if (said.kind === 'snap') {
    if (watch.snapshot === null) return;
    watch.snapshot.push(...said.records);
    if (!said.last) return;
    effects.push({ kind: 'changed', id, whole: true, changes: watch.snapshot });
    watch.snapshot = null;
    watch.seen = said.atSeq;
  } else if (watch.seen !== null) {
    const { seen } = watch;
    // A message may come twice.
    const changes = said.changes.filter(({ seq }) => seq > seen);
    if (changes.length === 0) return;
    watch.seen = changes.at(-1)?.seq ?? seen;
    effects.push({ kind: 'changed', id, whole: false, changes });
  }
}
