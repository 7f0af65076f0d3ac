import { currentRuntime, requireRuntime } from '../core/current.ts';
import { currentTask } from '../core/task-context.ts';
import type { NodeRecord } from '../gcs/client.ts';
import { embeddedGcs } from '../gcs/embedded.ts';

/** The nodes of the cluster. */
export function nodes(): NodeRecord[] {
  const runtime = requireRuntime();
  const { nodes: table } = embeddedGcs(runtime.addon, runtime.port.id);
  return table.keys().flatMap((key) => table.get(key) ?? []);
}

/** What all nodes have in all: CPU, GPU, memory in bytes, and custom resources. */
export function clusterResources(): Record<string, number> {
  return { ...requireRuntime().facts.totals };
}

/** What is free of `clusterResources` right now. */
export function availableResources(): Record<string, number> {
  const runtime = requireRuntime();
  return runtime.resources.named(runtime.addon.freeResources());
}

/** Where the calling code runs. */
export interface RuntimeContext {
  readonly jobId: string;
  readonly nodeId: string;
  /** The thread: different for each worker and the driver. */
  readonly workerId: string;
  readonly namespace: string;
  /** The same in every attempt of a task: good as an idempotency key. Undefined outside of tasks. */
  readonly taskId: string | undefined;
  readonly taskName: string | undefined;
  /** 1 for the first attempt. */
  readonly attempt: number | undefined;
  readonly actorId: string | undefined;
  /** Aborted when the task is cancelled. */
  readonly signal: AbortSignal | undefined;
}

/** Where the calling code runs: job, node, worker and, inside a task, the task and its attempt. */
export function context(): RuntimeContext {
  const runtime = currentRuntime() ?? requireRuntime();
  const { facts, port } = runtime;
  const task = currentTask();
  const hex = (value: number): string => value.toString(16).padStart(8, '0');
  const known = {
    jobId: facts.jobId,
    nodeId: facts.nodeId,
    workerId: `${facts.nodeId}${hex(port.id)}`,
    namespace: facts.namespace,
    taskId: task === undefined ? undefined : `${facts.nodeId}${hex(task.generation)}${hex(task.index)}`,
    taskName: task?.name,
    attempt: task?.attempt,
    actorId: task === undefined || task.actor < 0 ? undefined : runtime.nameOf(task.actor),
  };
  const signal = (): AbortSignal | undefined => {
    if (task === undefined) return undefined;
    task.stop ??= new AbortController();
    if (task.stopped) task.stop.abort();
    return task.stop.signal;
  };
  // Not enumerable: a context can be returned, passed on and logged, and a signal cannot travel.
  return Object.defineProperty(known, 'signal', { get: signal }) as RuntimeContext;
}
