import type { Env, Step } from '../../../src/common/step.ts';
import type { Seen } from '../check/subscriptions.ts';
import type { Input, Output, Self } from '../program.ts';
import type { Bug } from './bugs.ts';
import type { SelfMessage } from './messages.ts';
import { leaseLength } from './writer-state.ts';

type ReplicaInput = Input<SelfMessage, never>;
type ReplicaOutput = Output<SelfMessage, Seen>;

export interface ReplicaState {
  readonly bug: Bug | undefined;
  readonly id: string;
  values: Map<string, string>;
  applied: number;
  /** The channel to the writer. */
  channel: number | undefined;
  /** When each question for a lease was sent: a lease counts from there. */
  readonly asked: Map<number, number>;
  requests: number;
  attempts: number;
  leaseUntil: number;
}

export function replicaState(self: Self, bug: Bug | undefined): ReplicaState {
  return {
    bug,
    id: self.id,
    values: new Map(),
    applied: 0,
    channel: undefined,
    asked: new Map(),
    requests: 0,
    attempts: 0,
    leaseUntil: Number.NEGATIVE_INFINITY,
  };
}

export const replicaStep: Step<ReplicaState, ReplicaInput, ReplicaOutput> = (state, input, env) => {
  switch (input.on) {
    case 'start':
      return [{ do: 'dial', to: 'writer' }, ...askForLease(state, env)];
    case 'refused':
      return [{ do: 'timer', timer: 'dial', after: 5 + 25 * env.random() }];
    case 'open':
      if (!input.dialled) return [];
      state.channel = input.channel;
      return [subscribe(state, input.channel)];
    case 'closed':
      if (input.channel !== state.channel) return [];
      state.channel = undefined;
      return [{ do: 'timer', timer: 'dial', after: 5 + 25 * env.random() }];
    case 'timer':
      return input.timer === 'dial' ? [{ do: 'dial', to: 'writer' }] : askForLease(state, env);
    case 'datagram':
      if (input.message.type === 'LEASE_OK') lease(state, input.message, env);
      return [];
    case 'message':
      return handle(state, input.channel, input.message, env);
    default:
      return [];
  }
};

function subscribe(state: ReplicaState, channel: number): ReplicaOutput {
  const attempt = ++state.attempts;
  return { do: 'send', channel, message: { type: 'SUB', replica: state.id, attempt, fromSeq: state.applied } };
}

function askForLease(state: ReplicaState, env: Env): ReplicaOutput[] {
  const request = ++state.requests;
  state.asked.set(request, env.now);
  return [
    { do: 'timer', timer: 'lease', after: leaseLength / 3 },
    { do: 'datagram', to: 'writer', message: { type: 'LEASE_ASK', replica: state.id, request } },
  ];
}

function lease(
  state: ReplicaState,
  { replica, request, length }: Extract<SelfMessage, { type: 'LEASE_OK' }>,
  env: Env,
): void {
  // It comes to the host: it may be for an earlier life, whose requests had the same numbers.
  if (replica !== state.id) return;
  const asked = state.asked.get(request);
  if (asked === undefined) return;
  state.asked.delete(request);
  const from = state.bug === 'lease counted from receipt' ? env.now : asked;
  state.leaseUntil = Math.max(state.leaseUntil, from + 0.9 * length);
}

function handle(state: ReplicaState, channel: number, message: SelfMessage, env: Env): readonly ReplicaOutput[] {
  if (message.type === 'READ') {
    const { request, key } = message;
    const served = mayServe(state, env);
    const value = served ? (state.values.get(key) ?? null) : null;
    return [{ do: 'send', channel, message: { type: 'VALUE', request, served, value } }];
  }
  if (channel !== state.channel && state.bug !== 'event of an old channel believed') return [];
  if (message.type === 'SNAP') {
    if (message.seq <= state.applied && state.bug !== 'old snapshot taken') return [];
    state.values = new Map(message.records);
    state.applied = message.seq;
    return [
      { do: 'tell', what: { saw: 'snapshot', seq: message.seq, records: new Map(state.values) } },
      { do: 'send', channel, message: { type: 'APPLIED', seq: message.seq } },
    ];
  }
  return message.type === 'EVENT' ? apply(state, channel, message) : [];
}

function mayServe(state: ReplicaState, env: Env): boolean {
  if (state.bug === 'stale read after restart' && state.leaseUntil < 0) return true;
  if (state.bug === 'lease not checked after a pause') return state.leaseUntil > 0 && state.channel !== undefined;
  return env.now < state.leaseUntil;
}

function apply(
  state: ReplicaState,
  channel: number,
  { seq, effects }: Extract<SelfMessage, { type: 'EVENT' }>,
): readonly ReplicaOutput[] {
  const believed = state.bug === 'event of an old channel believed' && channel !== state.channel;
  if (seq <= state.applied && !believed) return [];
  if (seq > state.applied + 1 && !believed) {
    // An event is missing: everything from the last that is here, on a new channel.
    state.channel = undefined;
    return [
      { do: 'close', channel },
      { do: 'timer', timer: 'dial', after: 5 },
    ];
  }
  for (const [key, value] of effects) state.values.set(key, value);
  state.applied = seq;
  return [
    { do: 'tell', what: { saw: 'event', seq, records: effects } },
    { do: 'send', channel, message: { type: 'APPLIED', seq } },
  ];
}
