import type { ResolvedTaskOptions } from '../../common/options.ts';
import type { ObjectRef } from '../refs/object-ref.ts';

/** A method of an actor class. */
export interface MethodInfo {
  readonly name: string;
  readonly generator: boolean;
}

interface Common {
  /** What errors call it. */
  readonly name: string;
  /** Results of one call; 1 unless asked for more. */
  readonly numReturns: number;
  /** Whether calls yield a stream. */
  readonly generator: boolean;
  /** Retry what user code throws: everything, or errors whose class, or a class above it, has one of these names. */
  readonly retryExceptions: boolean | readonly string[];
  /** Milliseconds an attempt may take; 0 = no limit. */
  readonly timeoutMs: number;
}

/** What every thread knows of a template: `meta` of the core's `add_template`. */
export type TemplateInfo =
  /**
   * `code`: the object that holds the shipped function or class; `life`: which of the objects that have had its place. `spec`: the
   * options, for `f.options()` elsewhere. `forward`: what the agent finds another node by.
   */
  | (Common & {
      readonly kind: 'task';
      readonly code: number;
      readonly life: number;
      readonly spec: Pick<ResolvedTaskOptions, 'maxRetries' | 'schedulingStrategy'>;
      readonly forward?: string;
      /** In a cluster: the job that it belongs to. */
      readonly job?: string;
    })
  | (Common & {
      readonly kind: 'actor';
      readonly code: number;
      readonly life: number;
      readonly spec: object;
      readonly methods: readonly MethodInfo[];
      readonly maxTaskRetries: number;
      readonly maxPendingCalls: number;
      readonly isolation: 'shared' | 'thread';
    })
  | (Common & { readonly kind: 'method'; readonly actor: number; readonly method: string });

/** A template as a thread of the node sees it. There is one for each number, until the core says that the template has ended. */
export interface Template {
  readonly id: number;
  readonly info: TemplateInfo;
  readonly habits: Habits;
}

/** What a thread has learnt of a function by running it; undefined until then. */
export interface Habits {
  /** Whether it has ever returned a promise. One that has not runs without async context, which costs. */
  promises: boolean | undefined;
  /**
   * Whether its promises were settled after a few turns of microtasks. Tasks that wait for timers or sockets (false), or may
   * (undefined), are begun one at a time: the next in the batch might never give the thread back to them.
   */
  quick: boolean | undefined;
}

/** Of a function that this thread has not run. */
export function noHabits(): Habits {
  return { promises: undefined, quick: undefined };
}

/** A template, and the ref that keeps it registered. */
export interface Registration {
  readonly template: Template;
  readonly ref: ObjectRef<unknown>;
}
