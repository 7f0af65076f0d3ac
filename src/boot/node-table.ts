import { hostname } from 'node:os';
import type { ThreadRuntime } from '../core/runtime.ts';
import type { GcsClient, NodeInfo } from '../gcs/client.ts';
import { NodeReplica } from '../gcs/replica.ts';

/** Enters this node into the node table. The copy that `nodes()` reads has it at once. */
export function enterNode(
  gcs: GcsClient,
  { addon, port, facts }: ThreadRuntime,
  { driver, labels }: Pick<NodeInfo, 'driver' | 'labels'>,
): void {
  const { nodeId, totals: resources } = facts;
  const row: NodeInfo = { nodeId, alive: true, driver, host: hostname(), pid: process.pid, resources, labels };
  const replica = new NodeReplica(addon, port.id);
  replica.set(nodeId, row);
  void gcs.nodes.put(nodeId, row);
  void replica.follow(gcs.nodes);
}
