import type { Env, Step } from '../../../src/common/step.ts';
import { evaluate } from './apply.ts';
import { decode, encode, type Record } from './log.ts';
import type { Effect, Result, SelfMessage } from './messages.ts';
import { answer, give, grant, release } from './writer-lease.ts';
import { ring, type WriterInput, type WriterOutput, type WriterState } from './writer-state.ts';

/** Tokens of disk operations. */
const recovery = 1;
const append = 2;
const sync = 3;

export const writerStep: Step<WriterState, WriterInput, WriterOutput> = (state, input, env) => {
  if (input.on === 'start') return recover(state, input.files.get('log') ?? new Uint8Array());
  if (input.on === 'disk')
    return input.token === recovery ? recovered(state, input.error, env) : written(state, input, env);
  if (!state.ready) {
    state.early.push(input);
    return [];
  }
  switch (input.on) {
    case 'message':
      return handle(state, input.channel, input.message, env);
    case 'datagram':
      return input.message.type === 'LEASE_ASK'
        ? grant(state, input.from.host, input.message.replica, input.message.request, env)
        : [];
    case 'closed':
      state.subscribers.delete(input.channel);
      return [];
    case 'timer':
      return release(state, env, true);
    default:
      return [];
  }
};

/**
 * What was read may only be in the system's memory, and end in a torn record: it is written again before anything rests on it. The
 * holder of an earlier life's lease may not have it: it is not released before that lease is over.
 */
function recover(state: WriterState, bytes: Uint8Array): WriterOutput[] {
  const { records, length } = decode(bytes);
  for (const record of records) {
    for (const [key, value] of record.effects) state.values.set(key, value);
    if (state.bug !== 'sessions forgotten at restart') state.sessions.executed(record);
  }
  state.records = records;
  state.committed = records.length;
  if (state.bug === 'recovered records released at once') state.released = records.length;
  else state.waiting = records.map(({ seq, client, batch }) => ({ seq, client, batch, channel: 0 }));
  const valid = state.bug === 'torn tail kept' ? bytes : bytes.subarray(0, length);
  return [{ do: 'replace', file: 'log', bytes: valid, token: recovery }];
}

function recovered(state: WriterState, error: string | undefined, env: Env): readonly WriterOutput[] {
  if (error !== undefined) return [{ do: 'exit', why: `the log cannot be written again: ${error}` }];
  state.ready = true;
  const outputs: WriterOutput[] = [];
  if (state.bug !== 'lease forgotten at restart') outputs.push(...give(state, '', env));
  outputs.push(...release(state, env, false));
  outputs.push(...state.early.splice(0).flatMap((input) => writerStep(state, input, env)));
  return outputs;
}

function written(state: WriterState, { token, error }: { token: number; error?: string }, env: Env): WriterOutput[] {
  if (error !== undefined && token === sync && state.bug === 'failed sync tried again') {
    return [{ do: 'sync', file: 'log', token: sync }];
  }
  const ignored = token === append && state.bug === 'full disk ignored';
  if (error !== undefined && !ignored) return [{ do: 'exit', why: `the log cannot be written: ${error}` }];
  if (token !== sync) return [];
  const outputs = commit(state, state.syncing, env);
  state.syncing = 0;
  return [...outputs, ...startSync(state)];
}

function startSync(state: WriterState): WriterOutput[] {
  if (state.syncing > 0 || state.records.length <= state.committed) return [];
  state.syncing = state.records.length;
  return [{ do: 'sync', file: 'log', token: sync }];
}

function commit(state: WriterState, to: number, env: Env): WriterOutput[] {
  const fresh = state.records.slice(state.committed, to);
  state.committed = Math.max(state.committed, to);
  const events = state.bug === 'events before the commit' ? [] : fresh.flatMap((record) => tell(state, record));
  return [...events, ...release(state, env, false)];
}

const event = ({ seq, effects }: Record): SelfMessage => ({ type: 'EVENT', seq, effects });

function tell(state: WriterState, record: Record): WriterOutput[] {
  return [...state.subscribers.keys()].map((channel) => ({ do: 'send', channel, message: event(record) }));
}

function handle(state: WriterState, channel: number, message: SelfMessage, env: Env): WriterOutput[] {
  switch (message.type) {
    case 'HELLO': {
      const { client, ackBelow } = message;
      const open = new Set(state.waiting.filter((waiting) => waiting.client === client).map(({ batch }) => batch));
      for (const waiting of state.waiting) if (waiting.client === client) waiting.channel = channel;
      const done = state.sessions.done(client, ackBelow).filter(({ batch }) => !open.has(batch));
      return [{ do: 'send', channel, message: { type: 'WELCOME', done } }];
    }
    case 'WRITE':
      return write(state, channel, message, env);
    case 'SUB':
      return [...subscribe(state, channel, message), ...release(state, env, false)];
    case 'APPLIED': {
      const subscriber = state.subscribers.get(channel);
      if (subscriber === undefined) return [];
      subscriber.applied = Math.max(subscriber.applied, message.seq);
      return release(state, env, false);
    }
    default:
      return [];
  }
}

function write(
  state: WriterState,
  channel: number,
  { client, batch, ackBelow, changes }: Extract<SelfMessage, { type: 'WRITE' }>,
  env: Env,
): WriterOutput[] {
  const order = state.sessions.judge(client, batch);
  if (order === 'early') return [];
  if (order === 'old') {
    const waiting = state.waiting.find((one) => one.client === client && one.batch === batch);
    if (waiting === undefined) return answer(state, channel, client, batch);
    waiting.channel = channel;
    return [];
  }
  const effects: Effect[] = [];
  const results: Result[] = [];
  for (const change of changes) {
    const { result, effect } = evaluate(state.values, change);
    results.push(result);
    if (effect === undefined) continue;
    state.values.set(...effect);
    effects.push(effect);
  }
  const record: Record = { seq: state.records.length + 1, client, batch, ackBelow, effects, results };
  state.records.push(record);
  state.sessions.executed(record);
  state.waiting.push({ seq: record.seq, client, batch, channel });
  return [
    { do: 'append', file: 'log', bytes: encode(record), token: append },
    ...startSync(state),
    ...(state.bug === 'events before the commit' ? tell(state, record) : []),
    ...(state.bug === 'acknowledged before the sync' ? commit(state, record.seq, env) : []),
  ];
}

function subscribe(
  state: WriterState,
  channel: number,
  { replica, attempt, fromSeq }: Extract<SelfMessage, { type: 'SUB' }>,
): WriterOutput[] {
  const told = state.bug === 'events before the commit' ? state.records.length : state.committed;
  const oldest = Math.max(0, told - ring);
  // An older channel of this replica may seem open here for a while, and a SUB of one may come after that of a newer.
  const others = [...state.subscribers].filter(([, one]) => one.replica === replica);
  if (others.some(([, one]) => one.attempt > attempt) && state.bug !== 'late subscription believed') return [];
  for (const [older] of others) state.subscribers.delete(older);
  if (fromSeq < oldest && state.bug !== 'hole in a subscription') {
    const records = new Map(state.records.slice(0, told).flatMap(({ effects }) => effects));
    state.subscribers.set(channel, { replica, attempt, applied: 0 });
    return [{ do: 'send', channel, message: { type: 'SNAP', seq: told, records: [...records] } }];
  }
  state.subscribers.set(channel, { replica, attempt, applied: fromSeq });
  return [
    { do: 'send', channel, message: { type: 'SUBBED', fromSeq } },
    ...state.records
      .slice(Math.max(fromSeq, oldest), told)
      .map((record): WriterOutput => ({ do: 'send', channel, message: event(record) })),
  ];
}
