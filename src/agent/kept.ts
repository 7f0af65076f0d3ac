import type { Run } from './run.ts';
import type { Attempted } from './wire/entries.ts';
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
  /** Those with results that the peer has not fetched yet. */
  readonly #unfetched = new Set<Run>();

  /** `forget`: nobody needs anything of a run any more. */
  constructor(forget: (run: Run) => void) {
    this.#forget = forget;
  }

  /** An answer was sent. What it brought stays until the peer has settled it: tasks that wait for it may be on their way. */
  answered(run: Run | undefined): void {
    if (run !== undefined && run.served.length > 0) this.#unfetched.add(run);
    else this.#answered.push(run);
  }

  /** How many tasks have results that the peer has not fetched yet. */
  get unfetched(): number {
    return this.#unfetched.size;
  }

  /** The peer has fetched the results of an attempt, or needs them no more. */
  fetched({ index, generation, attempt }: Attempted): void {
    const run = this.byIndex.get(index);
    if (run?.generation !== generation || run.attempt !== attempt || !this.#unfetched.delete(run)) {
      throw malformed(`results of task ${index} that are not here`);
    }
    this.#drop(run);
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
    for (const run of this.#unfetched) this.#drop(run);
    this.#unfetched.clear();
  }

  #drop(run: Run | undefined): void {
    if (run === undefined) return;
    this.#forget(run);
    // Another task may have its place.
    if (this.byIndex.get(run.index) === run) this.byIndex.delete(run.index);
  }
}
