/**
 * Who lives: the only place where a node is declared dead, and where jobs get their numbers. Rules:
 *
 * 1. A node is dead `nodeTimeoutMs` after it was last heard of, less the time in which the authority itself stood still. So nobody
 *    dies in its first timeout.
 * 2. After a restart those in the table have `returnMs` to come back.
 * 3. A connection that closes says nothing: the node may come back on another. BYE says it, and so does EXITED, from the supervisor: what the
 *    node had begun stands in the row from the write that says it is dead, or never.
 * 4. A job ends by a word of its driver, or with its driver.
 * 5. What a node asked for is on the disk before it is answered. That it is dead it is told at once.
 * 6. Of two that cannot reach one another one dies: `complaints.ts`.
 */
import type { Step } from '../../common/step.ts';
import { judge, onComplain } from './complaints.ts';
import { bury, declareDead } from './deaths.ts';
import { endJob, onJob } from './jobs.ts';
import type { AuthorityEffect, AuthorityEvent } from './ports.ts';
import { newStanding } from './standing.ts';
import type { AuthorityState, Living } from './state.ts';
import { write } from './writes.ts';

const TICK_MS = 100;
/** A tick that comes later than this tells of a stall. */
const LATE_MS = 50;

export const authority: Step<AuthorityState, AuthorityEvent, AuthorityEffect> = (state, event, { now }) => {
  const effects: AuthorityEffect[] = [];
  switch (event.kind) {
    case 'start':
      onStart(state, event, now, effects);
      break;
    case 'register':
      onRegister(state, event, now, effects);
      break;
    case 'report':
      if (hear(state, event, now, effects)) effects.push({ kind: 'reported', link: event.link, no: event.no });
      break;
    case 'job':
      if (hear(state, event, now, effects)) onJob(state, event, effects);
      break;
    case 'end-job':
      if (hear(state, event, now, effects)) onEndJob(state, event, effects);
      break;
    case 'bye':
      onBye(state, event, effects);
      break;
    case 'exited':
      declareDead(state, event.node, event.cause, effects, event.begun);
      break;
    case 'complain':
      if (hear(state, event, now, effects)) onComplain(state, event, now);
      break;
    case 'closed': {
      const living = state.living.get(event.node);
      if (living?.link === event.link) living.link = null;
      break;
    }
    case 'wrote': {
      const after = state.writes.get(event.id);
      state.writes.delete(event.id);
      effects.push(...(after?.(event.next) ?? []));
      break;
    }
    case 'tick':
      onTick(state, now, effects);
      break;
  }
  return effects;
};

type Of<Kind extends AuthorityEvent['kind']> = Extract<AuthorityEvent, { kind: Kind }>;

function onStart(state: AuthorityState, { nodes, jobs }: Of<'start'>, now: number, effects: AuthorityEffect[]): void {
  for (const row of nodes) {
    if (row.alive)
      state.living.set(
        row.nodeId,
        living(state, row, null, now, now + state.settings.returnMs, newStanding(state, row)),
      );
    else {
      state.dead.set(row.nodeId, row.cause);
      if (row.begun !== undefined) state.lists.push(row);
    }
  }
  for (const row of jobs) {
    state.lastJob = Math.max(state.lastJob, row.job);
    state.jobs.set(row.job, { row });
    if (row.ended) state.ended.add(row.job);
    // Its driver died, and the head before the job's end was written.
    else if (!state.living.has(row.driver)) endJob(state, row.job, effects);
  }
  state.tickedAt = now;
  effects.push({ kind: 'wake', at: now + TICK_MS });
}

function living(
  state: AuthorityState,
  row: Living['row'],
  link: Living['link'],
  now: number,
  returnsBy: number,
  standing: Living['standing'],
): Living {
  return { row, link, returnsBy, heardAt: now, stalledThen: state.stalledMs, suspected: false, standing };
}

function onRegister(
  state: AuthorityState,
  { link, row }: Of<'register'>,
  now: number,
  effects: AuthorityEffect[],
): void {
  const { nodeId } = row;
  const cause = state.dead.get(nodeId);
  if (cause !== undefined) {
    effects.push({ kind: 'dead', link, cause });
    return;
  }
  const known = state.living.get(nodeId);
  // It comes late, on a connection that the node has given up: it is there on a newer one. Numbers of connections rise.
  if (known !== undefined && known.link !== null && link < known.link) return;
  state.living.set(nodeId, living(state, row, link, now, 0, known?.standing ?? newStanding(state, row)));
  if (known?.suspected === true) effects.push({ kind: 'suspected', node: nodeId, suspected: false });
  write(state, [{ kind: 'node', row }], effects, () => {
    const now = state.living.get(nodeId);
    if (now?.link !== link) return [];
    return [{ kind: 'registered', link }, ...(known === undefined ? [] : [{ kind: 'again', node: nodeId } as const])];
  });
}

/** A living node has said something; false: it is not one, and is told so. */
function hear(
  state: AuthorityState,
  { node, link }: { readonly node: string; readonly link: number },
  now: number,
  effects: AuthorityEffect[],
): boolean {
  const found = state.living.get(node);
  if (found === undefined) {
    const cause = state.dead.get(node);
    if (cause !== undefined) effects.push({ kind: 'dead', link, cause });
    return false;
  }
  found.heardAt = now;
  found.stalledThen = state.stalledMs;
  if (found.suspected) {
    found.suspected = false;
    effects.push({ kind: 'suspected', node, suspected: false });
  }
  return true;
}

function onEndJob(state: AuthorityState, { link, node, job }: Of<'end-job'>, effects: AuthorityEffect[]): void {
  const row = state.jobs.get(job)?.row;
  if (row === undefined) {
    // It ended so long ago that it was forgotten.
    effects.push({ kind: 'job-ended', link, job });
    return;
  }
  if (row.driver !== node) return;
  const ended: AuthorityEffect[] = [{ kind: 'job-ended', link, job }];
  // Behind the first write of it, which may still be on its way.
  if (state.ended.has(job)) write(state, [{ kind: 'job', row }], effects, () => ended);
  else endJob(state, job, effects, ended);
}

function onBye(state: AuthorityState, { link, node }: Of<'bye'>, effects: AuthorityEffect[]): void {
  const heard: AuthorityEffect = { kind: 'bye-heard', link };
  if (state.living.has(node)) bury(state, node, 'it has left', effects, [heard]);
  // Behind its burial, which may still be on its way.
  else if (state.dead.has(node)) write(state, [{ kind: 'end-session', node }], effects, () => [heard]);
  else effects.push(heard);
}

function onTick(state: AuthorityState, now: number, effects: AuthorityEffect[]): void {
  const late = now - state.tickedAt - TICK_MS;
  state.tickedAt = now;
  if (late > LATE_MS) state.stalledMs += late;
  const { nodeTimeoutMs, suspectMs } = state.settings;
  for (const [node, found] of [...state.living]) {
    if (found.link === null && now < found.returnsBy) continue;
    const since = Math.max(found.heardAt, found.link === null ? found.returnsBy - nodeTimeoutMs : 0);
    const silence = now - since - (state.stalledMs - found.stalledThen);
    if (silence >= nodeTimeoutMs) {
      declareDead(state, node, `nothing was heard of it for ${Math.round(silence)} ms`, effects);
    } else if (silence >= suspectMs && !found.suspected) {
      found.suspected = true;
      effects.push({ kind: 'suspected', node, suspected: true });
    }
  }
  judge(state, now, effects);
  effects.push({ kind: 'wake', at: now + TICK_MS });
}
