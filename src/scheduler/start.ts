/**
 * A scheduler that has just started does not know what its predecessor granted. It grants nothing before each member has said
 * what it has where, in a complete request, or START_MS have passed: a member that is silent for longer may have sent more.
 */
import { deal } from './deal.ts';
import type { NodeId } from './ports.ts';
import { satisfy } from './satisfy.ts';
import type { Turn } from './state.ts';

const START_MS = 1_000;

/** The first list of members is here. */
export function begin({ state, now, effects }: Turn, members: readonly NodeId[]): void {
  for (const id of members) state.awaited.add(id);
  state.startsAt = now + START_MS;
  effects.push({ kind: 'wake', at: state.startsAt });
}

/** Looks whether it may begin to grant, and if so gives everybody what there is. */
export function ready(turn: Turn): void {
  const { state, now } = turn;
  if (state.ready || state.alive === null || (state.awaited.size > 0 && now < state.startsAt)) return;
  state.ready = true;
  for (const node of state.list) deal(turn, node);
  for (const { lines, tasks } of state.submitters.values()) {
    for (const line of lines.values()) satisfy(turn, line);
    for (const line of tasks.values()) satisfy(turn, line);
  }
}
