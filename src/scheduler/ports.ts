/**
 * What the global scheduler is told and what it says: its only dealings with agents and with the control store. Messages of one
 * sender arrive in order or not at all; each may arrive twice.
 */

export type NodeId = string;
export type JobId = string;
export type TaskId = string;

/** Amounts of resources by name, in ten-thousandths, as the core counts them. */
export type Amounts = Readonly<Record<string, number>>;

/** What some tasks of one submitter have in common: resources, function, job, priority, strategy. */
export interface Ask {
  readonly job: JobId;
  readonly fn: string;
  readonly priority: number;
  readonly demand: Amounts;
  readonly strategy: Strategy;
  /** How long no node may have what they ask for, in milliseconds. */
  readonly infeasibleAfterMs: number;
}

/**
 * `elsewhere`: any node but the submitter, which runs them too: so there may be none. `soft`: where the node is dead or can never
 * run it, any other node does.
 */
export type Strategy = 'default' | 'spread' | 'elsewhere' | { readonly nodeId: NodeId; readonly soft: boolean };

/** Tasks that a submitter would have elsewhere. Counts are what is there, not what was added. */
export interface Wish {
  /** The submitter's number for `ask`. It never means anything else. */
  readonly line: number;
  readonly ask: Ask;
  /** What each of them has of large arguments, about. */
  readonly large: readonly LargeArgument[];
  /** How many want a place: those that wait, and those that are out within a window. */
  readonly count: number;
  /** What one takes, in milliseconds, if its node has run some. */
  readonly meanMs: number | undefined;
  /** How many of those are sent and not answered, by node. */
  readonly out: readonly (readonly [NodeId, number])[];
}

/** An argument that is worth sending a task after. */
export interface LargeArgument {
  readonly bytes: number;
  readonly places: readonly NodeId[];
}

/** A task that is placed by itself: it has large arguments, or was refused. */
export interface TaskWish {
  readonly task: TaskId;
  readonly ask: Ask;
  readonly large: readonly LargeArgument[];
  /** Where it was sent and is not answered. */
  readonly at: NodeId | null;
  /** Nodes that refused it, each as often as it did; the newest last. */
  readonly refusedBy: readonly NodeId[];
}

/** A node's word about itself. */
export interface Report {
  readonly kind: 'report';
  readonly node: NodeId;
  /** Rises with each report of the node. One that is not newer than the last is dropped. */
  readonly no: number;
  readonly total: Amounts;
  /** The total, less what tasks hold that nobody was granted for: the node's own, and those of dead submitters. */
  readonly available: Amounts;
  /** CPU that tasks of other nodes have lent there, as they wait in `get`, by their functions. */
  readonly lent: readonly (readonly [string, number])[];
  /** Tasks that wait for a worker there. */
  readonly queue: number;
  /** The mean time of a task there, in milliseconds. */
  readonly meanMs: number;
  /** Mean times of functions that ended since the last report, in milliseconds. */
  readonly means: readonly (readonly [string, number])[];
  /** What it received at, since the last report: bytes per millisecond. 0: nothing was received. */
  readonly bytesPerMs: number;
  /** The only job whose tasks it takes: a driver's own. */
  readonly onlyJob: JobId | null;
  /** Whether it takes nothing new. */
  readonly draining: boolean;
}

/** What a submitter wants. One follows each grant that makes a window smaller, so that `seen` is known. */
export interface Request {
  readonly kind: 'request';
  readonly from: NodeId;
  readonly no: number;
  /** The last grant the submitter has seen; 0 before the first of this scheduler. */
  readonly seen: number;
  /** Whether this is all there is: what is not named is gone. Else it is what has changed. */
  readonly complete: boolean;
  readonly wishes: readonly Wish[];
  readonly tasks: readonly TaskWish[];
  /** Tasks of `tasks` that are settled, cancelled or given up. */
  readonly gone: readonly TaskId[];
}

export type SchedulerEvent =
  | Report
  | Request
  /** The nodes that are alive, by the control store. */
  | { readonly kind: 'members'; readonly alive: readonly NodeId[] }
  | { readonly kind: 'job-ended'; readonly job: JobId }
  /** What was said to this submitter lately may be lost: its connection broke, and it has another. */
  | { readonly kind: 'again'; readonly to: NodeId }
  | { readonly kind: 'tick' };

/** Which tasks an effect is about: a line, or one task. */
export type About = { readonly line: number } | { readonly task: TaskId };

export type SchedulerEffect =
  /** `to` may have `w` tasks of the line at `node`, sent and not answered. Less than before stops new ones only. */
  | {
      readonly kind: 'grant';
      readonly to: NodeId;
      readonly no: number;
      readonly line: number;
      readonly node: NodeId;
      readonly w: number;
    }
  /** The task goes to `node`; `must`: it may not be refused there. */
  | {
      readonly kind: 'assign';
      readonly to: NodeId;
      readonly no: number;
      readonly task: TaskId;
      readonly node: NodeId;
      readonly must: boolean;
    }
  /** No node has had what they ask for in `infeasibleAfterMs`. */
  | { readonly kind: 'infeasible'; readonly to: NodeId; readonly about: About }
  /** The node that they must run on is dead. */
  | { readonly kind: 'node-died'; readonly to: NodeId; readonly about: About; readonly node: NodeId }
  /** `to` is asked for a complete request, and for a report. */
  | { readonly kind: 'ask-all'; readonly to: NodeId }
  /** A tick is wanted at this time. */
  | { readonly kind: 'wake'; readonly at: number };
