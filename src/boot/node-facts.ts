import type { ResolvedInitOptions } from '../common/init-options.ts';
import type { NodeFacts } from '../core/node-facts.ts';

/** The facts of a new node: its name, its job, and what it has in all. */
export function nodeFacts(options: ResolvedInitOptions): NodeFacts {
  // Loaded here: no worker needs it, and each would take 0.4 MiB for it.
  const { randomBytes } = process.getBuiltinModule('node:crypto');
  const totals: Record<string, number> = { CPU: options.numCpus, memory: options.memory, ...options.resources };
  if (options.numGpus > 0) totals['GPU'] = options.numGpus;
  return {
    nodeId: randomBytes(8).toString('hex'),
    jobId: randomBytes(4).toString('hex'),
    namespace: options.namespace,
    checkCaptures: options.checkCaptures,
    totals,
    cluster: options.cluster && { infeasibleAfterMs: options.cluster.infeasibleAfterMs },
  };
}
