import type { Totals } from './submit/resources.ts';

/** What a thread knows of the node it belongs to. */
export interface NodeFacts {
  readonly nodeId: string;
  readonly jobId: string;
  readonly namespace: string;
  readonly checkCaptures: boolean;
  readonly totals: Totals;
  /** Set where the node belongs to a cluster. */
  readonly cluster: ClusterFacts | undefined;
  /** The descriptor of its page of begun tasks, if it has one (`run/begun.ts`). */
  readonly begunFd?: number;
}

/** What a thread knows of the cluster that its node belongs to. */
export interface ClusterFacts {
  /** How long no node may have what a task asks for, in milliseconds. */
  readonly infeasibleAfterMs: number;
  /** The folder under which this node has the files of applications: a path without links. */
  readonly root: string;
}
