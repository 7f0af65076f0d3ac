import { accessSync, constants, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { part } from '../common/bundle.ts';
import type { ResolvedInitOptions } from '../common/init-options.ts';
import { badOption } from '../common/options.ts';
import { ResourceTable, type Totals } from '../core/submit/resources.ts';
import { addon } from '../native/binding.ts';
import { nativeError } from '../native/native-error.ts';
import { heapLimits } from '../workers/heap-limits.ts';
import { WorkerPool } from '../workers/worker-pool.ts';
import type { DriverNode } from './driver.ts';

/** What every worker thread runs. It lies beside the bundle. */
const WORKER_FILE = join(import.meta.dirname, 'worker.cjs');

/**
 * Starts a node. Its first thread takes longest to come up, so it is started as soon as nothing can be wrong with the options;
 * the rest of mobula is loaded meanwhile.
 */
export function startNode(options: ResolvedInitOptions): DriverNode {
  checkSpillDirectory(options.spillDirectory);
  const totals = totalsOf(options);
  startCore(options, totals);
  const pool = new WorkerPool(WORKER_FILE, heapLimits(options.memory, Math.ceil(options.numCpus)));
  try {
    // Tasks may ask for no CPU at all, so there is always a thread for them.
    pool.startWorkers(Math.max(1, Math.ceil(options.numCpus)));
    const driver = part('driver') as typeof import('./driver.ts');
    return new driver.DriverNode(options, totals, pool);
  } catch (error) {
    pool.discard();
    addon.stop();
    throw error;
  }
}

function startCore(options: ResolvedInitOptions, totals: Totals): void {
  const resources = new ResourceTable(totals);
  try {
    addon.start({
      cpu: resources.cpu(),
      others: resources.others(),
      sharedHosts: Math.max(1, Math.ceil(options.numCpus)),
      storeCapacity: options.objectStoreMemory,
      spillDirectory: options.spillDirectory ?? tmpdir(),
    });
  } catch (error) {
    throw nativeError(error);
  }
}

function totalsOf(options: ResolvedInitOptions): Totals {
  const totals: Record<string, number> = { CPU: options.numCpus, memory: options.memory, ...options.resources };
  if (options.numGpus > 0) totals['GPU'] = options.numGpus;
  return totals;
}

/** Objects are spilled late; that they cannot be is said early. */
function checkSpillDirectory(directory: string | undefined): void {
  if (directory === undefined) return;
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    if (statSync(directory).isDirectory()) return;
  } catch {
    // Told below.
  }
  throw badOption('spillDirectory', directory, 'an existing directory that this process may write to');
}
