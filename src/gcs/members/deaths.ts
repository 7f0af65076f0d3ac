import { endJob } from './jobs.ts';
import type { AuthorityEffect, Change, NodeId } from './ports.ts';
import { dropComplaints } from './standing.ts';
import type { AuthorityState } from './state.ts';
import { sweep } from './writes.ts';

/** So many dead nodes stay in the table. */
const MOST_DEAD = 1_000;
/** And so many say what had begun there: who has not heard by then takes all for begun. */
const MOST_LISTS = 16;

/** Declares a node dead that has not said so itself: it is told. `begun`: as in `NodeRow`. */
export function declareDead(
  state: AuthorityState,
  node: NodeId,
  cause: string,
  effects: AuthorityEffect[],
  begun?: string,
): void {
  const link = state.living.get(node)?.link ?? null;
  if (link !== null) effects.push({ kind: 'dead', link, cause });
  bury(state, node, cause, effects, [], begun);
}

/** Enters a node as dead. Its jobs end. `end`: what is done when all is written. */
export function bury(
  state: AuthorityState,
  node: NodeId,
  cause: string,
  effects: AuthorityEffect[],
  end: readonly AuthorityEffect[] = [],
  begun?: string,
): void {
  const found = state.living.get(node);
  if (found === undefined) return;
  state.living.delete(node);
  dropComplaints(state, node, found);
  state.dead.set(node, cause);
  const row = { ...found.row, alive: false, cause, ...(begun !== undefined && { begun }) };
  const changes: Change[] = [
    { kind: 'node', row },
    { kind: 'end-session', node },
  ];
  if (begun !== undefined) state.lists.push(row);
  if (state.lists.length > MOST_LISTS) changes.push(...shorten(state));
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

/** The oldest list goes, if its row is still there. */
function shorten(state: AuthorityState): readonly Change[] {
  const oldest = state.lists.shift();
  if (oldest === undefined || !state.dead.has(oldest.nodeId)) return [];
  const { begun: _, ...row } = oldest;
  return [{ kind: 'node', row }];
}
