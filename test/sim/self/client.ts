import type { Env, Step } from '../../../src/common/step.ts';
import type { Input, Output, Self } from '../program.ts';
import type { Bug } from './bugs.ts';
import type { Change, Result, SelfMessage } from './messages.ts';
import { answered, type Read, readAgain, startRead } from './reads.ts';

/** `ask`: the scenario's number of what it asks, which comes back with the outcome. */
export type Ask =
  | { readonly ask: number; readonly write: readonly Change[] }
  | { readonly ask: number; readonly read: string };
export type Told =
  | { readonly ask: number; readonly results: readonly Result[]; readonly batch: number }
  | { readonly ask: number; readonly value: string | null };

type ClientInput = Input<SelfMessage, Ask>;
export type ClientOutput = Output<SelfMessage, Told>;

export interface ClientState {
  readonly bug: Bug | undefined;
  readonly id: string;
  /** The channel to the writer, and whether it has answered HELLO. */
  writer: number | undefined;
  welcome: boolean;
  nextBatch: number;
  /** Batches without an answer, in order. */
  readonly open: Map<number, { readonly ask: number; readonly changes: readonly Change[] }>;
  readonly reads: Map<number, Read>;
  /** Channels to replicas, by host; null while one is dialled. */
  readonly replicas: Map<string, number | null>;
  /** Requests are numbered on each channel. */
  readonly requests: Map<number, number>;
}

export function clientState(self: Self, bug: Bug | undefined): ClientState {
  return {
    bug,
    id: self.id,
    writer: undefined,
    welcome: false,
    nextBatch: 1,
    open: new Map(),
    reads: new Map(),
    replicas: new Map(),
    requests: new Map(),
  };
}

export const clientStep: Step<ClientState, ClientInput, ClientOutput> = (state, input, env) => {
  switch (input.on) {
    case 'start':
      return [{ do: 'dial', to: 'writer' }, retryLater(env)];
    case 'ask':
      return 'read' in input.what ? startRead(state, input.what.ask, input.what.read, env) : write(state, input.what);
    case 'open':
      return opened(state, input.channel, input.peer);
    case 'refused':
      if (input.to === 'writer') return [dialLater(env)];
      state.replicas.delete(input.to);
      return [];
    case 'closed':
      return closed(state, input.channel, env);
    case 'timer':
      return timer(state, input.timer, env);
    case 'message':
      return handle(state, input.channel, input.message, env);
    default:
      return [];
  }
};

const dialLater = (env: Env): ClientOutput => ({ do: 'timer', timer: 'dial', after: 2 + 20 * env.random() });
const retryLater = (env: Env): ClientOutput => ({ do: 'timer', timer: 'retry', after: 300 + 200 * env.random() });

function timer(state: ClientState, name: string, env: Env): readonly ClientOutput[] {
  if (name === 'dial') return [{ do: 'dial', to: 'writer' }];
  if (name === 'retry') return [...resend(state), retryLater(env)];
  return readAgain(state, Number(name.slice('read '.length)), env);
}

function opened(state: ClientState, channel: number, peer: Self): readonly ClientOutput[] {
  state.requests.set(channel, 0);
  if (peer.role === 'replica') {
    state.replicas.set(peer.host, channel);
    return [];
  }
  state.writer = channel;
  state.welcome = false;
  return [{ do: 'send', channel, message: { type: 'HELLO', client: state.id, ackBelow: ackBelow(state) } }];
}

function closed(state: ClientState, channel: number, env: Env): readonly ClientOutput[] {
  state.requests.delete(channel);
  if (channel === state.writer) {
    state.writer = undefined;
    return [dialLater(env)];
  }
  for (const [host, to] of state.replicas) if (to === channel) state.replicas.delete(host);
  const lost = [...state.reads.values()].filter((read) => read.channel === channel);
  return lost.flatMap((read) => readAgain(state, read.ask, env));
}

const ackBelow = (state: ClientState): number => state.open.keys().next().value ?? state.nextBatch;

function write(state: ClientState, { ask, write: changes }: Extract<Ask, { write: unknown }>): readonly ClientOutput[] {
  const batch = state.nextBatch++;
  state.open.set(batch, { ask, changes });
  return state.welcome ? send(state, batch) : [];
}

function send(state: ClientState, batch: number): readonly ClientOutput[] {
  const changes = state.open.get(batch)?.changes;
  if (state.writer === undefined || changes === undefined) return [];
  const message = { type: 'WRITE', client: state.id, batch, ackBelow: ackBelow(state), changes } as const;
  return [{ do: 'send', channel: state.writer, message }];
}

/** All batches without an answer, in their order: the writer refuses one that comes before its turn. */
function resend(state: ClientState): readonly ClientOutput[] {
  if (state.writer === undefined || !state.welcome) return [];
  const batches = [...state.open.keys()];
  if (state.bug === 'resent out of order') batches.reverse();
  return batches.flatMap((batch) => send(state, batch));
}

function handle(state: ClientState, channel: number, message: SelfMessage, env: Env): readonly ClientOutput[] {
  switch (message.type) {
    case 'WELCOME': {
      if (channel !== state.writer) return [];
      state.welcome = true;
      const told = message.done.flatMap(({ batch, results }) => done(state, batch, results));
      if (state.bug === 'resent under a new number') renumber(state);
      return [...told, ...resend(state)];
    }
    case 'DONE':
      return done(state, message.batch, message.results);
    case 'VALUE':
      return answered(state, channel, message, env);
    default:
      return [];
  }
}

function done(state: ClientState, batch: number, results: readonly Result[]): readonly ClientOutput[] {
  const open = state.open.get(batch);
  if (open === undefined) return [];
  state.open.delete(batch);
  return [{ do: 'tell', what: { ask: open.ask, results, batch } }];
}

function renumber(state: ClientState): void {
  const batches = [...state.open.values()];
  state.open.clear();
  for (const batch of batches) state.open.set(state.nextBatch++, batch);
}
