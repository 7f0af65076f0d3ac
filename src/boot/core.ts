import { accessSync, constants, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { ResolvedInitOptions } from '../common/init-options.ts';
import { badOption } from '../common/options.ts';
import { ResourceTable, type Totals } from '../core/submit/resources.ts';
import { addon } from '../native/binding.ts';
import { nativeError } from '../native/native-error.ts';

/** How many threads run tasks. Tasks may ask for no CPU at all, so there is always a thread for them on a node that hosts any. */
export function taskThreads({ numCpus, cluster }: Pick<ResolvedInitOptions, 'numCpus' | 'cluster'>): number {
  return Math.max(cluster === undefined ? 1 : 0, Math.ceil(numCpus));
}

/** Starts the core of this process. */
export function startCore(options: ResolvedInitOptions, totals: Totals): void {
  const { spillDirectory, objectStoreMemory } = options;
  checkSpillDirectory(spillDirectory);
  const resources = new ResourceTable(totals);
  try {
    addon.start({
      cpu: resources.cpu(),
      others: resources.others(),
      sharedHosts: Math.max(1, taskThreads(options)),
      storeCapacity: objectStoreMemory,
      spillDirectory: spillDirectory ?? tmpdir(),
    });
  } catch (error) {
    throw nativeError(error);
  }
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
