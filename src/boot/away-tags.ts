import { cellName } from '../common/ids.ts';
import { currentTask, type TaskContext } from '../core/run/task-context.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import { tagOf } from '../workers/output/away.ts';

/**
 * Names the task that runs in the calling thread, if the thread's job is not that of this process (0): undefined otherwise. What code outside of
 * tasks writes counts as that of the task that wrote before it.
 */
export function awayTags(runtime: ThreadRuntime, job: number): () => Uint8Array | undefined {
  const { nodeId } = runtime.facts;
  let last: TaskContext | undefined;
  let tag: Uint8Array | undefined;
  if (job === 0) return () => undefined;
  return () => {
    const task = currentTask();
    if (task === undefined || task === last) return tag;
    last = task;
    const { origin, name, index, generation } = task;
    const id = origin?.taskId ?? cellName(nodeId, index, generation);
    tag = tagOf({ job, task: id, name });
    return tag;
  };
}
