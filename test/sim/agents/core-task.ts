import type { Outcome, Spec } from './work.ts';

/** A result of a task. */
export interface Ref {
  readonly of: Task;
  readonly result: number;
  outcome: Outcome | undefined;
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
  /** Which attempt is out, or is the next. */
  tries: number;
  /** Attempts that do not count, as their arguments were not there. */
  excused: number;
  /** Whether it goes behind its makers; whether another one goes behind it. */
  follows: boolean;
  followed: boolean;
  /** The attempts that it goes behind. */
  behind: readonly { readonly maker: Task; readonly tries: number }[];
}

/** Tasks of one kind that wait for the agent, oldest first. */
export interface Line {
  readonly number: number;
  readonly ask: string;
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
export const isValue = ({ outcome }: Ref): boolean => outcome?.status === 0;
