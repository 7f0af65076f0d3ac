import { taskId } from '../core/run/origin.ts';
import type { Follower } from './output/outbox.ts';
import type { Peer } from './peer.ts';
import { type Attempted, answer, type RunHead } from './wire/entries.ts';

/** One attempt of a task of another node, until it is answered. */
export class Run implements Attempted, Follower {
  readonly peer: Peer;
  readonly index: number;
  readonly generation: number;
  readonly attempt: number;
  readonly job: number;
  /** In the page of begun tasks. */
  readonly slot: number;
  /** The objects of its results, and what the core calls the subscriptions to these. */
  readonly objects: readonly number[];
  readonly tokens: number[] = [];
  missing: number;
  what: number = answer.values;
  /** Values that came, where they are several or have to be renamed, and the templates that they name. */
  readonly parts: Uint8Array[] = [];
  readonly templates: number[] = [];
  /** Sends the answer; set while that waits for what the task has written. */
  answer: () => void = () => undefined;

  constructor(peer: Peer, { index, generation, attempt, job }: RunHead, objects: readonly number[], slot: number) {
    this.peer = peer;
    this.index = index;
    this.generation = generation;
    this.attempt = attempt;
    this.job = job;
    this.slot = slot;
    this.objects = objects;
    this.missing = objects.length;
  }

  /** As `context().taskId` gives it. */
  readonly taskId = (): string => taskId(this.peer.node, this.index, this.generation);
}
