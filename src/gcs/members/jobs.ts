import type { AuthorityEffect, AuthorityEvent, Change } from './ports.ts';
import type { AuthorityState } from './state.ts';
import { sweep, write } from './writes.ts';

/** So many jobs that have ended stay in the table. */
const MOST_ENDED = 1_000;

/** A driver's job gets its number; the same job always the same one. */
export function onJob(
  state: AuthorityState,
  { link, node, no, name, namespace }: Extract<AuthorityEvent, { kind: 'job' }>,
  effects: AuthorityEffect[],
): void {
  for (const { row } of state.jobs.values()) {
    if (row.driver !== node || row.no !== no) continue;
    // Behind the first write of it, which may still be on its way.
    write(state, [{ kind: 'job', row }], effects, () => [{ kind: 'job-is', link, no, job: row.job }]);
    return;
  }
  state.lastJob += 1;
  const job = state.lastJob;
  const row = { job, driver: node, no, name, namespace, ended: false };
  state.jobs.set(job, { row });
  write(state, [{ kind: 'job', row }], effects, () => [{ kind: 'job-is', link, no, job }]);
}

/** Ends a job: first the table says so, then what is the job's goes. `end`: what is done then. */
export function endJob(
  state: AuthorityState,
  job: number,
  effects: AuthorityEffect[],
  end: readonly AuthorityEffect[] = [],
): void {
  const found = state.jobs.get(job);
  if (found === undefined || state.ended.has(job)) return;
  found.row = { ...found.row, ended: true };
  state.ended.add(job);
  const changes: Change[] = [{ kind: 'job', row: found.row }];
  if (state.ended.size > MOST_ENDED) {
    const [oldest] = state.ended;
    if (oldest !== undefined) {
      state.ended.delete(oldest);
      state.jobs.delete(oldest);
      changes.push({ kind: 'forget-job', job: oldest });
    }
  }
  sweep(state, changes, (from) => ({ kind: 'sweep-job', job, from }), effects, end);
}
