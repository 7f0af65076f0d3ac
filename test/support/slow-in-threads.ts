// A module that takes its time to load in a thread of tasks.
import { isMainThread } from 'node:worker_threads';
import { context } from 'mobula';

if (!isMainThread) await new Promise((resolve) => setTimeout(resolve, 400));

/** Is busy for so long; gives where. */
export function spinSlowly(ms: number): string | undefined {
  const end = performance.now() + ms;
  while (performance.now() < end);
  return context().nodeId;
}
