import { cellName } from '../common/ids.ts';
import type { Follower } from './output/outbox.ts';
import type { Peer } from './peer.ts';
import { type Attempted, answer, type RunHead } from './wire/entries.ts';

// One for all runs: most have nothing else.
const none: readonly never[] = [];
const nothing = (): void => undefined;

/** A result whose buffers others may fetch: the number that names these, and the object. */
export interface Served {
  readonly number: number;
  readonly object: number;
}

/** One attempt of a task of another node, until it is answered. */
export class Run implements Attempted, Follower {
  readonly peer: Peer;
  readonly index: number;
  readonly generation: number;
  readonly attempt: number;
  readonly job: number;
  /** This node's number for its template. */
  readonly template: number;
  /** In the page of begun tasks. */
  readonly slot: number;
  /** The objects of its results. */
  readonly objects: readonly number[];
  missing: number;
  /** Bytes of the values that have come. */
  bytes = 0;
  what: number = answer.values;
  /** Values that came, where they are several or have to be renamed, and the templates that they name. */
  parts: readonly Uint8Array[] = none;
  templates: readonly number[] = none;
  /** What makes arguments of it, here. */
  makers: readonly Run[];
  /** Those that have ended, and are answered once this one is. */
  followers: readonly Run[] = none;
  /** Whether it has ended without a value: what waits for that has not begun. */
  failed = false;
  /** Whether the core has it, or had it. */
  isGiven = false;
  /** Whether another node may run it. */
  readonly mayMove: boolean;
  /** Whether it is to go back if it has not begun. */
  isRecalled = false;
  /** How often it was seen to wait. */
  looks = 0;
  /** Whether its end was told; its results stay until its submitter has heard. */
  answered = false;
  /** The results that its submitter fetches, or that stay here. */
  served: readonly Served[] = none;
  /** Sends the answer; set while that waits for what the task has written. */
  answer: () => void = nothing;

  constructor(
    peer: Peer,
    { index, generation, attempt, job }: RunHead,
    template: number,
    makers: readonly Run[],
    objects: readonly number[],
    slot: number,
    mayMove: boolean,
  ) {
    this.peer = peer;
    this.template = template;
    this.makers = makers;
    this.index = index;
    this.generation = generation;
    this.attempt = attempt;
    this.job = job;
    this.objects = objects;
    this.slot = slot;
    this.mayMove = mayMove;
    this.missing = objects.length;
  }

  /** Whether one of its makers is to be answered first. */
  get waits(): boolean {
    return this.makers.length > 0 && !this.makers.every(({ answered }) => answered);
  }

  /** As `context().taskId` gives it. */
  taskId(): string {
    return cellName(this.peer.node, this.index, this.generation);
  }
}
