import type { ThreadRuntime } from '../runtime.ts';

/**
 * Which of `objects` are there now, with a value or an error: 1 or 0 for each. It looks at the core, not at the news; so
 * what comes before news comes first here too, such as the output of the tasks that have ended.
 */
export function areThere(
  runtime: Pick<ThreadRuntime, 'port' | 'addon' | 'inbox'>,
  objects: readonly number[],
): Uint32Array {
  const answers = new Uint32Array(objects);
  // What this thread has put or cancelled comes first.
  runtime.port.flush();
  runtime.addon.areThere(runtime.port.id, answers);
  if (answers.includes(1)) runtime.inbox.beforeNews();
  return answers;
}
