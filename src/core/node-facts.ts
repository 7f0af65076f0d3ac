import type { Totals } from './submit/resources.ts';

/** What a thread knows of the node it belongs to. */
export interface NodeFacts {
  readonly nodeId: string;
  readonly jobId: string;
  readonly namespace: string;
  readonly checkCaptures: boolean;
  readonly totals: Totals;
}
