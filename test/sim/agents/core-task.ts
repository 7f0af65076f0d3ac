import type { Near } from '../../../src/agent/submitter/state.ts';
import type { Outcome, Spec } from './work.ts';

/** A result of a task. */
export interface Ref {
  readonly of: Task;
  readonly result: number;
  outcome: Outcome | undefined;
  /** Where its value is, if it is away and not lost there. */
  place: number | undefined;
  /** What has its value, or will have it: a copy that is brought here, or a result of another run. */
  next: Ref | undefined;
  /** The driver's handle, tasks that have it as an argument, and what it is the next of. At 0 its value goes. */
  holders: number;
}

/** A task of the submitter's, and where it is: `held` while the agent has it. */
export interface Task {
  readonly spec: Spec;
  readonly ask: string;
  readonly index: number;
  readonly generation: number;
  readonly deps: readonly Ref[];
  readonly refs: Ref[];
  state: 'waiting' | 'ready' | 'taken' | 'settled';
  held: boolean;
  /** Where most of its large arguments are, while it is in a line. */
  near: Near | undefined;
  /** Which attempt is out, or is the next. */
  tries: number;
  /** Attempts that do not count, as their arguments were not there. */
  excused: number;
  /** Whether it goes behind its makers; whether another one goes behind it. */
  follows: boolean;
  followed: boolean;
  /** What it waits for beside its arguments: what will have values of these. */
  awaits: readonly Ref[];
  /** The task that ran before it, if it makes values of that again; and the one that does so for this one. */
  readonly first: Task | undefined;
  again: Task | undefined;
  /** The attempts that it goes behind. */
  behind: readonly { readonly maker: Task; readonly tries: number }[];
}

/** Tasks of one kind that wait for the agent, oldest first. */
export interface Line {
  readonly number: number;
  readonly ask: string;
  readonly near: Near | undefined;
  readonly tasks: Task[];
  window: number;
  closed: boolean;
  told: number | undefined;
}

/** An argument that is not there, and what makes it. */
export interface Missing {
  readonly position: number;
  readonly maker: Task;
  readonly result: number;
}

export const isThere = ({ outcome }: Ref): boolean => outcome !== undefined;
export const isAway = ({ outcome }: Ref): boolean => outcome?.status === AWAY;
export const isValue = ({ outcome }: Ref): boolean => outcome?.status === 0 || outcome?.status === AWAY;

/** The outcome of a ref whose value is not here: `Status::Away` of the core. */
export const AWAY = 4;
