import { realpathSync } from 'node:fs';
import type { ResolvedInitOptions } from '../common/init-options.ts';
import type { NodeFacts } from '../core/node-facts.ts';
import { randomHex } from './random.ts';

/** The facts of a new node: its name, its job, and what it has in all. `root`: where it has the files of applications, in a cluster. */
export function nodeFacts(options: ResolvedInitOptions, root = ''): NodeFacts {
  const totals: Record<string, number> = { CPU: options.numCpus, memory: options.memory, ...options.resources };
  if (options.numGpus > 0) totals['GPU'] = options.numGpus;
  return {
    nodeId: randomHex(8),
    jobId: randomHex(4),
    namespace: options.namespace,
    checkCaptures: options.checkCaptures,
    totals,
    cluster: options.cluster && { infeasibleAfterMs: options.cluster.infeasibleAfterMs, root: realpathSync(root) },
  };
}
