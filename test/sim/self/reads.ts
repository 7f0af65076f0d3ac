import type { Env } from '../../../src/common/step.ts';
import type { ClientOutput, ClientState } from './client.ts';
import type { SelfMessage } from './messages.ts';

/** A read without an answer. Its request is numbered on its channel: the same number on another is another request. */
export interface Read {
  readonly ask: number;
  readonly key: string;
  channel: number | undefined;
  request: number;
}

const replicas = ['replica1', 'replica2'];

export function startRead(state: ClientState, ask: number, key: string, env: Env): readonly ClientOutput[] {
  state.reads.set(ask, { ask, key, channel: undefined, request: 0 });
  return readAgain(state, ask, env);
}

/** Asks some replica, and dials it first if need be; the timer asks again until there is an answer. */
export function readAgain(state: ClientState, ask: number, env: Env): readonly ClientOutput[] {
  const read = state.reads.get(ask);
  if (read === undefined) return [];
  const again: ClientOutput = { do: 'timer', timer: `read ${ask}`, after: 20 + 20 * env.random() };
  const host = replicas[Math.floor(env.random() * replicas.length)] ?? '';
  const channel = state.replicas.get(host);
  if (channel === undefined) state.replicas.set(host, null);
  if (channel === undefined) return [{ do: 'dial', to: host }, again];
  if (channel === null) return [again];
  read.channel = channel;
  read.request = (state.requests.get(channel) ?? 0) + 1;
  state.requests.set(channel, read.request);
  return [{ do: 'send', channel, message: { type: 'READ', request: read.request, key: read.key } }, again];
}

export function answered(
  state: ClientState,
  channel: number,
  { request, served, value }: Extract<SelfMessage, { type: 'VALUE' }>,
  env: Env,
): readonly ClientOutput[] {
  const anyChannel = state.bug === 'late answer believed';
  const read = [...state.reads.values()].find(
    (one) => one.request === request && (anyChannel || one.channel === channel),
  );
  if (read === undefined) return [];
  if (!served) {
    read.channel = undefined;
    return [{ do: 'timer', timer: `read ${read.ask}`, after: 8 + 12 * env.random() }];
  }
  state.reads.delete(read.ask);
  return [
    { do: 'cancel', timer: `read ${read.ask}` },
    { do: 'tell', what: { ask: read.ask, value } },
  ];
}
