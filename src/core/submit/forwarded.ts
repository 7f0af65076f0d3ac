import type { ResolvedTaskOptions } from '../../common/options.ts';
import type { ClusterFacts } from '../node-facts.ts';
import type { ResourceTable } from './resources.ts';

/** What another node is found by for tasks; the agent reads it (`src/scheduler/ports.ts`, `Ask`). */
export interface ForwardAsk {
  readonly job: string;
  readonly fn: string;
  readonly priority: number;
  /** In ten-thousandths, by name. */
  readonly demand: Readonly<Record<string, number>>;
  /** `elsewhere`: this node runs them, and others may. */
  readonly strategy: ResolvedTaskOptions['schedulingStrategy'] | 'elsewhere';
  readonly infeasibleAfterMs: number;
}

/** The cluster, and the job whose tasks are described. */
export interface ClusterJob extends ClusterFacts {
  readonly jobId: string;
}

/** What finds another node for tasks with these options; undefined where only this node runs them. */
export function forwardAsk(
  options: ResolvedTaskOptions,
  nodeId: string,
  resources: ResourceTable,
  cluster: ClusterJob,
): ForwardAsk | undefined {
  const { schedulingStrategy, name, priority } = options;
  // A node without CPUs hosts nothing.
  const hosts = (resources.totals['CPU'] ?? 0) > 0;
  const isNamed = typeof schedulingStrategy === 'object';
  const isElsewhere = isNamed ? schedulingStrategy.nodeId !== nodeId : schedulingStrategy === 'spread';
  const keeps = hosts && !isElsewhere && !resources.lacks(options);
  if (keeps && isNamed) return undefined;
  const strategy = keeps ? 'elsewhere' : schedulingStrategy;
  const demand = resources.amounts(options);
  return { job: cluster.jobId, fn: name, priority, demand, strategy, infeasibleAfterMs: cluster.infeasibleAfterMs };
}
