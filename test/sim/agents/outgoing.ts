import type { Outgoing } from '../../../src/agent/sending.ts';
import type { Submitter } from '../../../src/agent/submitter/state.ts';
import type { CoreNews } from './core.ts';
import type { Task } from './core-task.ts';
import type { Inbox } from './doubles.ts';
import { asBytes, type Work } from './work.ts';

/** A task that the core has handed out, with its values in the inbox. */
export function outgoingOf(
  { index, generation, tries: attempt, spec, deps }: Task,
  { missing, placed, values }: Pick<Extract<CoreNews, { kind: 'task' }>, 'missing' | 'placed' | 'values'>,
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
  for (const value of values) inbox.put(value);
  return { head: { index, generation, attempt, template, job, results, deps: deps.length, made }, argsAt, placed };
}
