/** What the tasks of this protocol are: what they are to do stands in their arguments. */

/** How an attempt ends. `endless`: only if it is stopped. */
export type Ends = 'value' | 'throws' | 'asks again' | 'loses its worker' | 'endless';

/** What an attempt is called with. */
export interface Work {
  /** The task's name in its driver's life, and that life. */
  readonly task: string;
  readonly ms: number;
  /** How its attempts end, one after another; those behind the last as the last. */
  readonly ends: readonly Ends[];
  /** A template that its values name, as values do that carry remote functions; 0: none. */
  readonly names: number;
}

/** A value that an attempt has made: no two are alike. */
export interface Value {
  readonly id: string;
  readonly task: string;
  readonly result: number;
  /** Ids of the values that it was made from, in order. */
  readonly from: readonly string[];
  readonly names: number;
}

/** A task as a driver submits it. */
export interface Spec extends Work {
  /** Its function: the number of a template of the driver's. */
  readonly template: number;
  readonly results: number;
  /** Results of tasks that were submitted before. */
  readonly deps: readonly (readonly [task: string, result: number])[];
  readonly maxRetries: number;
  readonly demand: Readonly<Record<string, number>>;
  readonly strategy: 'default' | 'spread' | { readonly nodeId: string; readonly soft: boolean };
  readonly infeasibleAfterMs: number;
}

/** The template that a value names, by its bytes; 0: none. */
export function namedBy(bytes: Uint8Array): number {
  return Number(/"names":(\d+)/.exec(Buffer.from(bytes).toString())?.[1] ?? 0);
}

export const asBytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
export const fromBytes = <T>(bytes: Uint8Array): T => JSON.parse(Buffer.from(bytes).toString()) as T;

/** How a task's result turned out, as the core has it: `status` of src/core/port/wire.ts. */
export interface Outcome {
  readonly status: number;
  readonly bytes: Uint8Array;
}
