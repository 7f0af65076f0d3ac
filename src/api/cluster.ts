import { sum } from '../common/amounts.ts';
import { cellName, idPart } from '../common/ids.ts';
import { currentRuntime, requireRuntime } from '../core/current.ts';
import { currentTask } from '../core/run/task-context.ts';
import { refuseInCluster } from '../core/submit/not-built.ts';
import type { NodeInfo } from '../gcs/client.ts';
import { NodeReplica } from '../gcs/replica.ts';

/**
 * The nodes of the cluster, by id; without a cluster, this process. Answers at once, from a copy of the node table in this process.
 *
 * @example
 * await init({ numCpus: 2, labels: { zone: 'a' } });
 * console.log(nodes().map(({ resources, labels }) => [resources['CPU'], labels['zone']])); // [ [ 2, 'a' ] ]
 */
export function nodes(): NodeInfo[] {
  const { addon, port } = requireRuntime();
  return new NodeReplica(addon, port.id).all();
}

/**
 * What all nodes have in all: CPU, GPU, memory in bytes, and custom resources.
 *
 * @example
 * await init({ resources: { licence: 2 } });
 * console.log(clusterResources()['licence']); // 2
 */
export function clusterResources(): Record<string, number> {
  const { facts } = requireRuntime();
  if (facts.cluster === undefined) return { ...facts.totals };
  return sum(nodes().filter((node) => node.alive));
}

/**
 * What is free of `clusterResources` right now. In a cluster it is not built yet.
 *
 * @throws {MobulaError} `ERR_MOBULA_NOT_BUILT` in a cluster.
 * @example
 * await init({ numCpus: 2 });
 * console.log(availableResources()['CPU']); // 2
 */
export function availableResources(): Record<string, number> {
  const runtime = requireRuntime();
  refuseInCluster(runtime.facts, 'availableResources()');
  return runtime.resources.named(runtime.addon.freeResources());
}

/** Where the calling code runs: in a task, or in the driver, where what is said of tasks is undefined. */
export interface RuntimeContext {
  /** The program: the same in its driver and in all its tasks. */
  readonly jobId: string;
  /** The process with its workers. */
  readonly nodeId: string;
  /** The thread: different for each that lives. One that has ended gives its own to a later one, after some hundred others. */
  readonly workerId: string;
  /** Where names of actors are looked up unless told otherwise. */
  readonly namespace: string;
  /** The same in every attempt of a task: good as an idempotency key. Undefined outside of tasks. */
  readonly taskId: string | undefined;
  /** The option `name` of the task, or the name of its function. */
  readonly taskName: string | undefined;
  /** 1 for the first attempt. */
  readonly attempt: number | undefined;
  /** The actor whose method runs. Undefined in tasks and in the driver. */
  readonly actorId: string | undefined;
  /** Whether a call runs again only to bring a restarted actor to where it was. This version replays nothing: false. */
  readonly replaying: boolean;
  /** Aborted when the task is cancelled. Undefined outside of tasks. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Where the calling code runs: job, node, worker and, inside a task, the task and its attempt.
 *
 * @example
 * const attempt = remote(() => context().attempt);
 * console.log(await get(attempt.remote())); // 1
 */
export function context(): RuntimeContext {
  const runtime = currentRuntime() ?? requireRuntime();
  const { facts, port } = runtime;
  const task = currentTask();
  const known = {
    jobId: facts.jobId,
    nodeId: facts.nodeId,
    workerId: `${facts.nodeId}${idPart(port.id)}`,
    namespace: facts.namespace,
    taskId: task && (task.origin?.taskId ?? cellName(facts.nodeId, task.index, task.generation)),
    taskName: task?.name,
    attempt: task?.attempt,
    actorId: task === undefined || task.actor < 0 ? undefined : runtime.refs.nameOf(task.actor),
    replaying: false,
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
