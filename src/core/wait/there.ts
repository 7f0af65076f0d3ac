import type { Addon } from '../../native/addon.ts';
import type { Port } from '../port/port.ts';

/** The thread's runtime, as looking at objects uses it. */
export interface LookingThread {
  readonly addon: Addon;
  readonly port: Pick<Port, 'id' | 'flush'>;
  readonly inbox: { beforeNews(): boolean };
}

/** What the core answers of a value that is at another node. */
const ELSEWHERE = 2;

/**
 * Which of `objects` are there now, with a value or an error: 1 or 0 for each. It looks at the core, not at the news; so
 * what comes before news comes first here too, such as the output of the tasks that have ended. `here`: a value that is at another
 * node does not count.
 */
export function areThere(runtime: LookingThread, objects: readonly number[], here = false): Uint32Array {
  const answers = new Uint32Array(objects);
  // What this thread has put or cancelled comes first.
  runtime.port.flush();
  runtime.addon.areThere(runtime.port.id, answers);
  for (let i = 0; i < answers.length; i++) if (answers[i] === ELSEWHERE) answers[i] = here ? 0 : 1;
  if (answers.includes(1)) runtime.inbox.beforeNews();
  return answers;
}
