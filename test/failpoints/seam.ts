import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';

/** What happens at an armed point. */
export type Action = 'kill' | 'stop' | 'error' | 'delay';

/** A point of the core, and how often it was reached. */
export interface Point {
  readonly name: string;
  /** Whether it can be armed with an error. */
  readonly fails: boolean;
  readonly all: number;
  /** By threads that can be told to end. */
  readonly workers: number;
  /** Whether it is reached only while a runtime starts. */
  readonly early?: boolean;
}

/** What the addon exports in the build that has failpoints; `native/src/failpoints.rs`. */
interface Seam {
  failpointArm(name: string, hit: number, action: Action, value: number): void;
  failpointDisarm(): void;
  failpointRelease(): void;
  failpointFired(): number;
  failpointHits(): Point[];
}

/** The failpoints of this process. */
export function seam(): Seam {
  const addon: unknown = createRequire(import.meta.url)(process.env['MOBULA_BINARY'] ?? '');
  if (typeof addon !== 'object' || addon === null || !('failpointArm' in addon))
    throw new Error('this addon has no failpoints: npm run test:failpoints builds one');
  return addon as Seam;
}

/** Lets a thread that is held at a point go on once it has been told to end. To be called before a runtime is up. */
export function releaseWhatIsTerminated(): void {
  process.on('worker', (worker: Worker) => {
    const terminate = worker.terminate.bind(worker);
    worker.terminate = () => {
      const ended = terminate();
      seam().failpointRelease();
      return ended;
    };
  });
}

/** Where the sweep keeps what it spills; the parent of every runtime's own folder. */
export function spillIn(folder: string): string {
  return join(folder, 'spill');
}
