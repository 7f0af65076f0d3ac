import type { Outgoing } from '../../../src/agent/sending.ts';
import type { Submitter } from '../../../src/agent/submitter/state.ts';
import { isThere, type Missing, type Task } from './core-task.ts';
import type { Inbox } from './doubles.ts';
import { asBytes, type Work } from './work.ts';

/** A task that the core has handed out, with its values in the inbox. */
export function outgoingOf(
  { index, generation, tries: attempt, spec, deps }: Task,
  missing: readonly Missing[],
  flights: Submitter['flights'],
  job: number,
  inbox: Inbox,
): Outgoing {
  const made = missing.map(({ position, maker, result }) => {
    const flight = flights.get(maker.index);
    return { position, index: maker.index, generation: maker.generation, attempt: flight?.attempt ?? 0, result };
  });
  const { task, ms, ends, names, template, results } = spec;
  const work: Work = { task, ms, ends, names };
  const argsAt = inbox.put(asBytes(work));
  for (const { outcome } of deps.filter(isThere)) inbox.put(outcome?.bytes as Uint8Array);
  return { head: { index, generation, attempt, template, job, results, deps: deps.length, made }, argsAt };
}
