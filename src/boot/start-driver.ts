import { join } from 'node:path';
import { part } from '../common/bundle.ts';
import type { ResolvedClusterOptions, ResolvedInitOptions } from '../common/init-options.ts';
import { addon } from '../native/binding.ts';
import { heapLimits } from '../workers/heap-limits.ts';
import { WorkerPool } from '../workers/worker-pool.ts';
import { startCore, taskThreads } from './core.ts';
import type { DriverNode } from './driver.ts';
import type { Joined } from './join.ts';
import { nodeFacts } from './node-facts.ts';

/** What every worker thread runs. It lies beside the bundle. */
const WORKER_FILE = join(import.meta.dirname, 'worker.cjs');

/**
 * Starts a driver and its node. The first worker thread takes longest to come up, so it is started as soon as nothing can be
 * wrong with the options; the rest of mobula is loaded meanwhile. `joined`: a cluster has taken it in, and its core is up.
 */
export function startDriver(options: ResolvedInitOptions, joined?: Joined): DriverNode {
  const facts = joined?.facts ?? nodeFacts(options);
  if (joined === undefined) startCore(options, facts.totals);
  const threads = taskThreads(options);
  const pool = new WorkerPool(WORKER_FILE, heapLimits(options.memory, threads));
  try {
    // A node that is there for others alone gets threads as jobs come.
    if (joined === undefined || joined.agent.job !== 0) pool.startWorkers(threads);
    const driver = part('driver') as typeof import('./driver.ts');
    return new driver.DriverNode(options, facts, pool, threads, joined?.agent);
  } catch (error) {
    pool.discard();
    if (joined === undefined) addon.stop();
    // The agent needs the core to leave.
    else void joined.agent.leave().then(() => addon.stop());
    throw error;
  }
}

/** As `joinAsDriver`, which programs outside of clusters do not load. */
export async function joinCluster(options: ResolvedInitOptions, cluster: ResolvedClusterOptions): Promise<Joined> {
  const { joinAsDriver } = part('cluster') as typeof import('./node.ts');
  return await joinAsDriver(options, cluster);
}
