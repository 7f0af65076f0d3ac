/**
 * A process as a member of its cluster: what it says to the authority, and says again on each new connection. Rules:
 *
 * 1. On a new connection it registers first; nothing else is said before the head has answered.
 * 2. It reports at least every 500 ms: a sign of life, and its load.
 * 3. What was asked for and not answered is asked again.
 * 4. It complains of a node until that node is dead: a head that was started again does not know of it.
 */
import type { Step } from '../common/step.ts';
import type { JobFacts } from './ports.ts';

/** A load as bytes; `repeat`: the same without what is said once, such as the means of tasks that have ended. */
export interface LoadBytes {
  readonly once: Uint8Array;
  readonly repeat: Uint8Array;
}

export type MemberEvent =
  | { readonly kind: 'up' }
  | { readonly kind: 'down' }
  /** It is a node, with these facts. */
  | { readonly kind: 'register'; readonly body: Uint8Array }
  | { readonly kind: 'registered'; readonly reconnectMs: number }
  /** `soon`: others wait for it. */
  | { readonly kind: 'report'; readonly load: LoadBytes; readonly soon: boolean }
  | { readonly kind: 'reported'; readonly no: number }
  | { readonly kind: 'job'; readonly facts: JobFacts }
  | { readonly kind: 'job-is'; readonly no: number; readonly job: number }
  | { readonly kind: 'end-job'; readonly job: number }
  | { readonly kind: 'job-ended'; readonly job: number }
  /** The node `of`, which lives, cannot be reached. */
  | { readonly kind: 'complain'; readonly of: string; readonly why: string }
  /** A node is dead. */
  | { readonly kind: 'buried'; readonly node: string }
  | { readonly kind: 'bye' }
  | { readonly kind: 'tick' };

export type MemberEffect =
  | { readonly kind: 'register'; readonly body: Uint8Array }
  | { readonly kind: 'report'; readonly no: number; readonly body: Uint8Array }
  | { readonly kind: 'job'; readonly facts: JobFacts }
  | { readonly kind: 'end-job'; readonly job: number }
  | { readonly kind: 'complain'; readonly of: string; readonly why: string }
  | { readonly kind: 'bye' }
  /** The node is in the table. */
  | { readonly kind: 'is-registered'; readonly reconnectMs: number }
  | { readonly kind: 'job-known'; readonly no: number; readonly job: number }
  | { readonly kind: 'job-over'; readonly job: number }
  /** The last answered report was sent then. */
  | { readonly kind: 'answered'; readonly sentAt: number }
  | { readonly kind: 'wake'; readonly at: number };

export interface MemberState {
  up: boolean;
  /** What it registers with; null: it is no node. */
  body: Uint8Array | null;
  /** Whether the head has answered on this connection. */
  registered: boolean;
  load: LoadBytes | null;
  /** Whether `load` was not said yet, and whether others wait for it. */
  fresh: boolean;
  soon: boolean;
  no: number;
  reportedAt: number;
  /** When the reports were sent that are not answered. */
  readonly sentAt: Map<number, number>;
  readonly jobs: Map<number, JobFacts>;
  readonly ending: Set<number>;
  /** Nodes that it complains of, and why. */
  readonly complaints: Map<string, string>;
  leaving: boolean;
}

export function newMember(): MemberState {
  return {
    up: false,
    body: null,
    registered: false,
    load: null,
    fresh: false,
    soon: false,
    no: 0,
    reportedAt: Number.NEGATIVE_INFINITY,
    sentAt: new Map(),
    jobs: new Map(),
    ending: new Set(),
    complaints: new Map(),
    leaving: false,
  };
}

/** Reports are so far apart, at least and at most; those that others wait for, at least. */
const SOON_MS = 2;
const LEAST_MS = 50;
const MOST_MS = 500;

export const member: Step<MemberState, MemberEvent, MemberEffect> = (state, event, { now }) => {
  const effects: MemberEffect[] = [];
  switch (event.kind) {
    case 'up':
      state.up = true;
      register(state, effects);
      break;
    case 'down':
      state.up = false;
      state.registered = false;
      state.sentAt.clear();
      break;
    case 'register':
      state.body = event.body;
      register(state, effects);
      break;
    case 'registered':
      onRegistered(state, event.reconnectMs, now, effects);
      break;
    case 'report':
      state.load = event.load;
      state.fresh = true;
      state.soon ||= event.soon;
      report(state, now, effects);
      break;
    case 'reported': {
      const sentAt = state.sentAt.get(event.no);
      for (const no of state.sentAt.keys()) if (no <= event.no) state.sentAt.delete(no);
      if (sentAt !== undefined) effects.push({ kind: 'answered', sentAt });
      break;
    }
    case 'job':
      state.jobs.set(event.facts.no, event.facts);
      if (state.registered) effects.push({ kind: 'job', facts: event.facts });
      break;
    case 'job-is':
      if (state.jobs.delete(event.no)) effects.push({ kind: 'job-known', no: event.no, job: event.job });
      break;
    case 'end-job':
      state.ending.add(event.job);
      if (state.registered) effects.push({ kind: 'end-job', job: event.job });
      break;
    case 'job-ended':
      if (state.ending.delete(event.job)) effects.push({ kind: 'job-over', job: event.job });
      break;
    case 'complain':
      state.complaints.set(event.of, event.why);
      if (state.registered) effects.push({ kind: 'complain', of: event.of, why: event.why });
      break;
    case 'buried':
      state.complaints.delete(event.node);
      break;
    case 'bye':
      state.leaving = true;
      if (state.up) effects.push({ kind: 'bye' });
      break;
    case 'tick':
      report(state, now, effects);
      break;
  }
  return effects;
};

function register(state: MemberState, effects: MemberEffect[]): void {
  if (!state.up) return;
  if (state.leaving) effects.push({ kind: 'bye' });
  else if (state.body !== null) effects.push({ kind: 'register', body: state.body });
}

function onRegistered(state: MemberState, reconnectMs: number, now: number, effects: MemberEffect[]): void {
  if (state.registered || !state.up) return;
  state.registered = true;
  effects.push({ kind: 'is-registered', reconnectMs });
  for (const facts of state.jobs.values()) effects.push({ kind: 'job', facts });
  for (const job of state.ending) effects.push({ kind: 'end-job', job });
  for (const [of, why] of state.complaints) effects.push({ kind: 'complain', of, why });
  state.reportedAt = Number.NEGATIVE_INFINITY;
  report(state, now, effects);
}

function report(state: MemberState, now: number, effects: MemberEffect[]): void {
  const { load, registered, leaving } = state;
  if (!registered || leaving || load === null) return;
  const due = state.reportedAt + apart(state);
  if (now < due) {
    effects.push({ kind: 'wake', at: due });
    return;
  }
  state.no += 1;
  state.sentAt.set(state.no, now);
  effects.push({ kind: 'report', no: state.no, body: state.fresh ? load.once : load.repeat });
  state.fresh = false;
  state.soon = false;
  state.reportedAt = now;
  effects.push({ kind: 'wake', at: now + MOST_MS });
}

function apart({ fresh, soon }: MemberState): number {
  if (!fresh) return MOST_MS;
  return soon ? SOON_MS : LEAST_MS;
}
