import type { ResolvedTaskOptions } from '../../common/options.ts';
import type { ClusterFacts } from '../node-facts.ts';
import type { ResourceTable } from './resources.ts';

/** What a node is found by for tasks that this node does not keep; the agent reads it (`src/scheduler/ports.ts`, `Ask`). */
export interface ForwardAsk {
  readonly job: string;
  readonly fn: string;
  readonly priority: number;
  /** In ten-thousandths, by name. */
  readonly demand: Readonly<Record<string, number>>;
  readonly strategy: ResolvedTaskOptions['schedulingStrategy'];
  readonly infeasibleAfterMs: number;
}

/** The cluster, and the job whose tasks are described. */
export interface ClusterJob extends ClusterFacts {
  readonly jobId: string;
}

/** What finds a node for tasks with these options; undefined where this node keeps them. */
export function forwardAsk(
  options: ResolvedTaskOptions,
  nodeId: string,
  resources: ResourceTable,
  cluster: ClusterJob,
): ForwardAsk | undefined {
  const { schedulingStrategy: strategy, name, priority } = options;
  // A node without CPUs hosts nothing.
  const hosts = (resources.totals['CPU'] ?? 0) > 0;
  const isElsewhere = typeof strategy === 'object' ? strategy.nodeId !== nodeId : strategy === 'spread';
  if (hosts && !isElsewhere && !resources.lacks(options)) return undefined;
  const demand = resources.amounts(options);
  return { job: cluster.jobId, fn: name, priority, demand, strategy, infeasibleAfterMs: cluster.infeasibleAfterMs };
}
