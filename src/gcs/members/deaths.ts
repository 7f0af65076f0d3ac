import { endJob } from './jobs.ts';
import type { AuthorityEffect, Change, NodeId } from './ports.ts';
import { dropComplaints } from './standing.ts';
import type { AuthorityState } from './state.ts';
import { sweep } from './writes.ts';

/** So many dead nodes stay in the table. */
const MOST_DEAD = 1_000;

/** Declares a node dead that has not said so itself: it is told. */
export function declareDead(state: AuthorityState, node: NodeId, cause: string, effects: AuthorityEffect[]): void {
  const link = state.living.get(node)?.link ?? null;
  if (link !== null) effects.push({ kind: 'dead', link, cause });
  bury(state, node, cause, effects);
}

/** Enters a node as dead. Its jobs end. `end`: what is done when all is written. */
export function bury(
  state: AuthorityState,
  node: NodeId,
  cause: string,
  effects: AuthorityEffect[],
  end: readonly AuthorityEffect[] = [],
): void {
  const found = state.living.get(node);
  if (found === undefined) return;
  state.living.delete(node);
  dropComplaints(state, node, found);
  state.dead.set(node, cause);
  const changes: Change[] = [
    { kind: 'node', row: { ...found.row, alive: false, cause } },
    { kind: 'end-session', node },
  ];
  if (state.dead.size > MOST_DEAD) {
    const [oldest] = state.dead.keys();
    if (oldest !== undefined) {
      state.dead.delete(oldest);
      changes.push({ kind: 'forget-node', node: oldest });
    }
  }
  sweep(state, changes, (from) => ({ kind: 'sweep-node', node, from }), effects, end);
  // Behind its death: a head that ends between the two ends the jobs at its next start. The other way round, it would find a driver
  // that lives, with a job that is over.
  for (const { row } of state.jobs.values()) if (row.driver === node) endJob(state, row.job, effects);
}
