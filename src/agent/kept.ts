import type { Run } from './run.ts';
import { malformed } from './wire/entry.ts';

/** So many places that were read are given back at once. */
const MANY = 1024;

/** The tasks of one other node that are here, by their place there, and those that were answered, in that order. */
export class PeerRuns {
  readonly byIndex: Map<number, Run> = new Map();
  readonly #forget: (run: Run) => void;
  /** Nothing: an answer without a run. */
  #answered: (Run | undefined)[] = [];
  #first = 0;

  /** `forget`: nobody needs anything of a run any more. */
  constructor(forget: (run: Run) => void) {
    this.#forget = forget;
  }

  /** An answer was sent. What it brought stays until the peer has settled it: tasks that wait for it may be on their way. */
  answered(run: Run | undefined): void {
    this.#answered.push(run);
  }

  /** The peer has settled so many more answers. */
  settled(count: number): void {
    if (count > this.#answered.length - this.#first) throw malformed(`${count} answers that were settled`);
    for (let i = 0; i < count; i++) {
      this.#drop(this.#answered[this.#first]);
      this.#answered[this.#first++] = undefined;
    }
    if (this.#first < MANY) return;
    this.#answered = this.#answered.slice(this.#first);
    this.#first = 0;
  }

  /** The peer is dead. */
  clear(): void {
    for (let i = this.#first; i < this.#answered.length; i++) this.#drop(this.#answered[i]);
    this.#answered = [];
    this.#first = 0;
  }

  #drop(run: Run | undefined): void {
    if (run === undefined) return;
    this.#forget(run);
    // Another task may have its place.
    if (this.byIndex.get(run.index) === run) this.byIndex.delete(run.index);
  }
}
