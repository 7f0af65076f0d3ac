import type { Env } from '../../../src/common/step.ts';
import { leaseLength, leaseMargin, type WriterOutput, type WriterState } from './writer-state.ts';

/** Answers the clients of committed records, as far as the holder of the lease has them. `over`: its timer has fired. */
export function release(state: WriterState, env: Env, over: boolean): WriterOutput[] {
  const { holder, until } = state.lease;
  const held = env.now < until && !over && state.bug !== 'released without the lease holder';
  const subscriber = [...state.subscribers.values()].find(({ replica }) => replica === holder);
  const limit = held ? Math.min(state.committed, subscriber?.applied ?? 0) : state.committed;
  state.released = Math.max(state.released, limit);
  const free = state.waiting.filter(({ seq }) => seq <= state.released);
  state.waiting = state.waiting.filter(({ seq }) => seq > state.released);
  return free.flatMap(({ client, batch, channel }) => answer(state, channel, client, batch));
}

export function answer(state: WriterState, channel: number, client: string, batch: number): WriterOutput[] {
  const results = state.sessions.result(client, batch);
  return results === undefined ? [] : [{ do: 'send', channel, message: { type: 'DONE', batch, results } }];
}

/** One replica at a time answers reads, and only one that has all that is committed begins to. */
export function grant(state: WriterState, host: string, replica: string, request: number, env: Env): WriterOutput[] {
  const { holder, until } = state.lease;
  const subscriber = [...state.subscribers.values()].find((one) => one.replica === replica);
  if (subscriber === undefined) return [];
  const renewed = holder === replica && (env.now < until || state.bug === 'expired lease renewed');
  if (!renewed) {
    if (env.now < until && state.bug !== 'two leases') return [];
    if (subscriber.applied < state.committed) return [];
  }
  return [
    ...give(state, replica, env),
    { do: 'datagram', to: host, message: { type: 'LEASE_OK', replica, request, length: leaseLength } },
    // The timer of the lease before may still have been to come: what it held back, the new holder has.
    ...(state.bug === 'timer cancelled with its work' ? [] : release(state, env, false)),
  ];
}

/** Gives or renews the lease. The timer of the one before must not fire: it would release what this holder does not have yet. */
export function give(state: WriterState, holder: string, env: Env): WriterOutput[] {
  const { number } = state.lease;
  const length = leaseLength * leaseMargin;
  state.lease = { holder, until: env.now + length, number: number + 1 };
  const cancel: WriterOutput[] = number === 0 ? [] : [{ do: 'cancel', timer: `lease ${number}` }];
  return [
    ...(state.bug === 'lease timer not cancelled' ? [] : cancel),
    { do: 'timer', timer: `lease ${number + 1}`, after: length },
  ];
}
