import { memorySize } from '../common/init-options.ts';
import { amount, badOption, checkKnown, customResources, notBuilt, type ResourceOptions } from '../common/options.ts';

/** What a node of a test cluster has. */
export interface ClusterNodeOptions {
  /** CPUs that tasks may hold. Default: 1. */
  readonly numCpus?: number;
  /** Custom resources, in steps of 0.0001. Default: none. */
  readonly resources?: NonNullable<ResourceOptions['resources']>;
  /** Bytes that objects may take in memory, or such as '512MiB'. Default: '256MiB'. */
  readonly objectStoreMemory?: number | `${number}MiB` | `${number}GiB`;
}

/** What `startCluster` takes. */
export interface ClusterOptions {
  /** A node for each. Default: one, with one CPU. */
  readonly nodes?: readonly ClusterNodeOptions[];
  /** Shards of the control store. More than 1 is not built yet and refused. Default: 1. */
  readonly gcsShards?: number;
  /** Replicas of each shard. More than 1 is not built yet and refused. Default: 1. */
  readonly gcsReplicas?: number;
}

/** `ClusterNodeOptions`, checked and complete. */
export interface ResolvedNode {
  readonly numCpus: number;
  readonly resources: Readonly<Record<string, number>>;
  /** Bytes. */
  readonly objectStoreMemory: number;
}

/** Checks the options of a cluster. */
export function resolveCluster(options: ClusterOptions): readonly ResolvedNode[] {
  checkKnown(options, ['nodes', 'gcsShards', 'gcsReplicas'], 'ClusterOptions');
  for (const name of ['gcsShards', 'gcsReplicas'] as const) {
    const value = options[name];
    if (value === undefined || value === 1) continue;
    if (!Number.isInteger(value) || value < 1) throw badOption(name, value, 'a whole number of at least 1');
    throw notBuilt(name, value, 'Leave it out: there is one.');
  }
  const { nodes = [{}] } = options;
  if (!Array.isArray(nodes)) throw badOption('nodes', nodes, 'an array of options, one for each node');
  return nodes.map(resolveNode);
}

/** Checks the options of a node. */
export function resolveNode(options: ClusterNodeOptions): ResolvedNode {
  checkKnown(options, ['numCpus', 'resources', 'objectStoreMemory'], 'ClusterNodeOptions');
  const { numCpus = 1, resources = {}, objectStoreMemory = '256MiB' } = options;
  return {
    numCpus: amount('numCpus', numCpus),
    resources: customResources(resources),
    objectStoreMemory: memorySize('objectStoreMemory', objectStoreMemory),
  };
}
