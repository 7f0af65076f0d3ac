/** Clusters of real processes on this machine, for tests. */
import { starters } from '../boot/starters.ts';
import type { Cluster } from './cluster.ts';
import { type ClusterOptions, resolveCluster } from './options.ts';
import { startProcesses } from './processes.ts';

export type { Cluster, ClusterNode } from './cluster.ts';
export type { ClusterNodeOptions, ClusterOptions } from './options.ts';

/**
 * Starts a cluster on this machine: a head, and a process for each node. Resolves when all are up.
 *
 * Its token is in `MOBULA_AUTH_TOKEN` of this process until `stop()`; no file of the user is read or written. A node that dies is not
 * replaced. What is left when this process ends, however it does, ends with it.
 *
 * @throws MobulaError `ERR_MOBULA_INVALID_OPTION`: an option is wrong; `ERR_MOBULA_NOT_BUILT`: `gcsShards` or `gcsReplicas` above 1;
 * or what kept a process from starting. Nothing is left then.
 *
 * @example
 * import { startCluster } from 'mobula/testing';
 *
 * const cluster = await startCluster({ nodes: [{ numCpus: 1 }, { numCpus: 1 }] });
 * await init({ address: cluster.address });
 * const double = remote((x: number) => x * 2);
 * console.log(await get(double.remote(21))); // 42
 * await shutdown();
 * await cluster.stop();
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  return startProcesses(resolveCluster(options), starters);
}
