import { taskId } from '../core/run/origin.ts';
import { currentTask, type TaskContext } from '../core/run/task-context.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import { tagOf } from '../workers/output/away.ts';

/**
 * Names the task that runs in the calling thread, if its job is not that of this process: undefined otherwise. What code outside of
 * tasks writes counts as that of the task that wrote before it.
 */
export function awayTags(runtime: ThreadRuntime, ownJob: string): () => Uint8Array | undefined {
  const { nodeId } = runtime.facts;
  let last: TaskContext | undefined;
  let tag: Uint8Array | undefined;
  return () => {
    const task = currentTask();
    if (task === undefined || task === last) return tag;
    last = task;
    const { origin, name, index, generation, template } = task;
    const { info } = template;
    const job = origin?.jobId ?? (info.kind === 'task' ? info.job : undefined) ?? ownJob;
    const id = origin?.taskId ?? taskId(nodeId, index, generation);
    tag = job === ownJob ? undefined : tagOf({ job: Number.parseInt(job, 16), task: id, name });
    return tag;
  };
}
