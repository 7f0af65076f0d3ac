import { taskId } from '../core/run/origin.ts';
import { currentTask, type TaskContext } from '../core/run/task-context.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import { tagOf } from '../workers/output/away.ts';

/**
 * Names the task that runs in the calling thread, if the thread's job is not that of this process: undefined otherwise. What code outside of
 * tasks writes counts as that of the task that wrote before it.
 */
export function awayTags(runtime: ThreadRuntime, ownJob: string): () => Uint8Array | undefined {
  const { nodeId, jobId } = runtime.facts;
  let last: TaskContext | undefined;
  let tag: Uint8Array | undefined;
  if (jobId === ownJob) return () => undefined;
  return () => {
    const task = currentTask();
    if (task === undefined || task === last) return tag;
    last = task;
    const { origin, name, index, generation } = task;
    const id = origin?.taskId ?? taskId(nodeId, index, generation);
    tag = tagOf({ job: Number.parseInt(jobId, 16), task: id, name });
    return tag;
  };
}
