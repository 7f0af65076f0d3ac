import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { availableResources, clusterResources, type InitOptions, init, isInitialized, shutdown } from 'mobula';
import { type Footprint, footprint } from './baseline.ts';
import { collectEverywhere } from './garbage.ts';
import { liveTasks, storeStats } from './inside.ts';
import { openFiles, threads } from './machine.ts';
import { until } from './until.ts';

/** A watchdog for each test. */
export const limit: { readonly timeout: number } = { timeout: 30_000 };

/** What must be true once nobody holds anything: all resources free, no task alive, and the store empty. */
export async function assertQuiet(store: 'empty' | 'any' = 'empty'): Promise<void> {
  const state = (): object => ({ free: availableResources(), live: liveTasks(), ...storeFacts(store) });
  const quiet = { free: clusterResources(), live: 0, ...(store === 'empty' ? emptyStore : {}) };
  const isQuiet = (): boolean => {
    try {
      assert.deepEqual(state(), quiet);
      return true;
    } catch {
      return false;
    }
  };
  const explain = (): string => `${JSON.stringify(state())} is not ${JSON.stringify(quiet)}`;
  await until(
    async () => {
      if (isQuiet()) return true;
      await collectEverywhere();
      return isQuiet();
    },
    explain,
    5000,
  );
}

const emptyStore = { used: 0, pinned: 0, buffers: 0, views: 0, spilled: 0 };

function storeFacts(store: 'empty' | 'any'): object {
  if (store === 'any') return {};
  const { used, pinned, buffers, views, spilled } = storeStats();
  return { used, pinned, buffers, views, spilled };
}

/** Runs a file's tests in one runtime, and checks what it leaves behind. `any`: captured values stay in the store with their functions. */
export function suite(
  options: InitOptions = { numCpus: 2, objectStoreMemory: '256MiB' },
  store: 'empty' | 'any' = 'empty',
): void {
  let before_: Footprint;
  before(async () => {
    before_ = footprint();
    await init(options);
  });
  after(async () => {
    if (!isInitialized()) return;
    try {
      await assertQuiet(store);
    } finally {
      await shutdown({ timeoutMs: 2000 });
    }
    await until(
      () => threads() <= before_.threads + 1,
      () => `${threads()} threads, ${before_.threads} before`,
    );
    assert.ok(footprint().descriptors <= before_.descriptors + 6, openFiles().join('\n'));
  }, limit);
}
