import { type Batch, sessionProblem } from '../check/sessions.ts';
import { type Seen, subscriptionProblem } from '../check/subscriptions.ts';
import { Violation } from '../scenario.ts';
import type { Record } from './log.ts';
import type { ReplicaState } from './replica.ts';
import type { WriterState } from './writer-state.ts';

export function checkSessions(records: readonly Record[], acknowledged: readonly Batch[]): void {
  const problem = sessionProblem(records, acknowledged);
  if (problem !== undefined) throw new Violation(problem);
}

/** Every life of a replica saw the committed changes; those that live have the writer's values. */
export function checkFollowers(
  writer: WriterState,
  seen: ReadonlyMap<string, readonly Seen[]>,
  replicas: readonly ReplicaState[],
): void {
  const committed = writer.records.slice(0, writer.committed).map(({ seq, effects }) => ({ seq, records: effects }));
  for (const [replica, what] of seen) {
    const problem = subscriptionProblem(what, committed);
    if (problem !== undefined) throw new Violation(`${replica}: ${problem}`);
  }
  for (const { id, values } of replicas) {
    for (const [key, value] of writer.values) {
      if (values.get(key) !== value) throw new Violation(`${id} has ${key} = ${values.get(key)}, the writer ${value}`);
    }
  }
}
