import type { LoaderSetup } from '../core/functions/loader.ts';
import type { NodeFacts } from '../core/node-facts.ts';
import type { SharedThing } from '../core/values/shared-thing.ts';
import type { WorkerAssignment } from '../workers/assignment.ts';
import type { OutputMemory } from '../workers/output/capture.ts';

/** All that a worker thread is told. */
export interface WorkerBrief extends WorkerAssignment {
  readonly facts: NodeFacts;
  /** Where it leaves what it writes to stdout and stderr. */
  readonly output: OutputMemory;
  readonly things: readonly SharedThing[];
  /** The driver's own arguments: tasks are parts of its program. */
  readonly argv: readonly string[];
  readonly execArgv: readonly string[];
  readonly nodeOptions: string | undefined;
  /** The name of the thread's line to the driver. */
  readonly hub: string;
  /** The TypeScript loader to install first, if the driver has one. */
  readonly loader: LoaderSetup | undefined;
}
