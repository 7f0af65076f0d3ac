import type { Ask, JobId, LargeArgument, NodeId, TaskId } from './ports.ts';

/** A node as its last report described it, and what was granted there. */
export interface NodeState {
  readonly id: NodeId;
  /** The number of its last report. */
  no: number;
  total: number[];
  available: number[];
  /** What the windows here stand for: never more than `available` when a window grows. */
  readonly used: number[];
  /** What a task that comes now would wait, by the last report, in milliseconds. */
  waitMs: number;
  /** The same for what was granted since. */
  sentMs: number;
  /** How many tasks run here at once, roughly: the CPUs. */
  parallel: number;
  meanMs: number;
  bytesPerMs: number;
  onlyJob: JobId | null;
  draining: boolean;
  /** Whether the control store has it among the living. */
  member: boolean;
  /** Whether tasks wait that could use more of it: what becomes free is dealt out, at its next report at the latest (`deal.ts`). */
  contested: boolean;
  readonly windows: Window[];
  /** The job that had the last turn, by priority. */
  readonly turns: Map<number, number>;
  /** Bytes of the arguments of the task being placed that are here. Used by `place-task.ts` alone, as are by `place-many.ts`: */
  here: number;
  /** what the next task would wait, in milliseconds (with `spread`, how many there are already comes first), */
  key: number;
  /** how many more there is room for, */
  free: number;
  /** and how many of those are given. */
  given: number;
}

/** What a task asks for: resources by number, and how much of each. Equal ones are one object. */
export interface Demand {
  readonly resources: readonly number[];
  readonly amounts: readonly number[];
  /** The nodes whose total covers it and that take tasks, as of `version` of the nodes (`state.ts`). */
  able: NodeState[];
  version: number;
}

/** Tasks of one submitter that are placed alike: many without ids, or one with an id. */
export interface Line {
  readonly submitter: Submitter;
  readonly ask: Ask;
  readonly demand: Demand;
  /** What one counts of each amount of its demand, at `unitScale` (`windows.ts`). */
  readonly units: number[];
  unitScale: number;
  /** The submitter's number; of a task, 0. */
  readonly number: number;
  readonly task: TaskId | null;
  /** What one takes with all that it submits, as its submitter says, in milliseconds. */
  ownMeanMs: number | undefined;
  large: readonly LargeArgument[];
  /** What all of `large` is. */
  bytes: number;
  /** Nodes that refused the task, and the number of the report that must be passed first. */
  refused: Map<NodeState, number> | null;
  refusals: number;
  count: number;
  /** The sum of its windows. */
  granted: number;
  readonly windows: Map<NodeState, Window>;
  /** Since when it wants something and has no window. */
  since: number;
  /** Since when it wants more than it has; null: it does not. */
  lacksSince: number | null;
  /** It waited too long and has the first turn. */
  aged: boolean;
  /** Since when no node can ever run it; null: some can. */
  infeasibleSince: number | null;
  /** It was said that it can never run, or never will. */
  told: boolean;
  /** The queue in which it waits for more (`unmet.ts`), and its place there; null: it has all it wants. */
  queue: JobQueue | null;
  at: number;
  /** The most it may have at one node: `spread`. */
  most: number;
  /** The time that its large arguments take to the node that has most of them, in milliseconds. */
  leastMs: number;
  /** What a deal under way gives it (`deal.ts`). */
  target: number;
}

/** The unmet lines of one job and priority. */
export interface JobQueue {
  readonly job: JobId;
  /** Jobs have their turns in this order: that in which they came. */
  readonly order: number;
  readonly priority: number;
  readonly lines: Line[];
  /** The line whose turn it is. */
  next: number;
}

/** What a line may have at a node. */
export interface Window {
  readonly line: Line;
  readonly node: NodeState;
  /** How many it may have there. */
  w: number;
  /** How many it has there, as it said last. */
  out: number;
  /** How many it may still have sent before it saw a smaller `w`. */
  peak: number;
  /** The grant that made it smaller. */
  peakNo: number;
  /** What one of it counts, as a part of its demand. */
  scale: number;
  /** Its place in `node.windows`. */
  at: number;
}

export interface Submitter {
  readonly id: NodeId;
  no: number;
  /** The number of the last grant sent. */
  sent: number;
  readonly lines: Map<number, Line>;
  readonly tasks: Map<TaskId, Line>;
  /** Windows that became smaller and were not seen to be. */
  readonly shrunk: Set<Window>;
}
