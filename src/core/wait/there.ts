import type { ThreadRuntime } from '../runtime.ts';

/** Which of `objects` are there now, with a value or an error: 1 or 0 for each. It looks at the core, not at the news. */
export function areThere(runtime: Pick<ThreadRuntime, 'port' | 'addon'>, objects: readonly number[]): Uint32Array {
  const answers = new Uint32Array(objects);
  // What this thread has put or cancelled comes first.
  runtime.port.flush();
  runtime.addon.areThere(runtime.port.id, answers);
  return answers;
}
