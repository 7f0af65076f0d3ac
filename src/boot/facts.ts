import type { LoaderSetup } from '../core/functions/loader.ts';
import type { NodeFacts } from '../core/runtime.ts';
import type { SharedMemory } from '../core/values/shared-memories.ts';
import type { WorkerAssignment } from '../workers/worker-pool.ts';

/** All that a worker thread is told. */
export interface WorkerBrief extends WorkerAssignment {
  readonly facts: NodeFacts;
  readonly thread: number;
  readonly memories: readonly SharedMemory[];
  /** The TypeScript loader to install first, if the driver has one. */
  readonly loader: LoaderSetup | undefined;
}
