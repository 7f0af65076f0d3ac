import { type Channel, channel } from 'node:diagnostics_channel';

/** What the channels `mobula:task:submit` and, with more, `mobula:task:settle` tell. */
export interface TaskSubmitted {
  /** The id of the task's ref; of the first one, where it has several. */
  readonly id: string;
  /** The task's name; that of a method is `Class.method`. */
  readonly name: string;
  /** A task, the making of an actor, or a call of an actor's method. */
  readonly kind: 'task' | 'actor' | 'method';
}

/** What `mobula:task:settle` tells. */
export interface TaskSettled extends TaskSubmitted {
  /** Milliseconds since the call. */
  readonly durationMs: number;
  /** What the ref rejects with; undefined when it has a value. */
  readonly error: unknown;
}

/** What `mobula:worker:start` tells. */
export interface WorkerStarted {
  /** As `context().workerId` in that thread. */
  readonly workerId: string;
  /** Whether it runs tasks or actors. */
  readonly runs: 'tasks' | 'actors';
}

/** What `mobula:worker:exit` tells. */
export interface WorkerExited extends WorkerStarted {
  /** False when the thread died: it was stopped for a time limit or by force, ran out of memory, or ended itself. */
  readonly expected: boolean;
  /** Why it ended, in words. */
  readonly details: string;
}

/** What `mobula:store:spill` tells: what has happened since it last did, and bytes now. */
export interface StoreSpilled {
  /** Buffers written to disk. */
  readonly spills: number;
  /** Buffers read back. */
  readonly restores: number;
  /** Bytes in memory. */
  readonly used: number;
  /** Bytes on disk only. */
  readonly spilled: number;
  /** Bytes that may be in memory. */
  readonly capacity: number;
}

// Kept here: Node forgets a channel that nobody holds.
export const taskSubmit: Channel = channel('mobula:task:submit');
export const taskSettle: Channel = channel('mobula:task:settle');
export const workerStart: Channel = channel('mobula:worker:start');
export const workerExit: Channel = channel('mobula:worker:exit');
export const storeSpill: Channel = channel('mobula:store:spill');
