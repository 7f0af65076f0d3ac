import { ByPlace } from './by-place.ts';
import type { Run } from './run.ts';
import type { Attempted } from './wire/entries.ts';
import { malformed } from './wire/entry.ts';

/** So many places that were read are given back at once. */
const MANY = 1024;

/** A result that stays. */
interface Staying {
  readonly object: number;
  readonly job: number;
}

/** What is let go. */
export interface KeptPorts {
  /** Nobody needs anything of a run any more. */
  forget(run: Run): void;
  /** Nobody asks whether a run had begun any more. */
  forgetBegun(run: Run): void;
  release(object: number): void;
  /** Nobody fetches a result any more that stays. */
  dropStaying(number: number, object: number): void;
}

/** The tasks of one other node that are here, by their place there, and those that were answered, in that order. */
export class PeerRuns {
  readonly byIndex: ByPlace<Run> = new ByPlace();
  /** Nothing: an answer without a run. */
  #answered: (Run | undefined)[] = [];
  #first = 0;
  /** Those with results that the peer has not fetched yet. */
  readonly #unfetched = new Set<Run>();
  /** Results that stay, by the numbers of their buffers. */
  readonly #staying = new Map<number, Staying>();
  readonly #ports: KeptPorts;

  constructor(ports: KeptPorts) {
    this.#ports = ports;
  }

  /** An answer was sent. What it brought stays until the peer has settled it: tasks that wait for it may be on their way. */
  answered(run: Run | undefined): void {
    if (run !== undefined && run.served.length > 0) this.#unfetched.add(run);
    else this.#answered.push(run);
  }

  /** How many results the peer has not fetched yet, those that stay among them. */
  get unfetched(): number {
    return this.#unfetched.size + this.#staying.size;
  }

  /** The peer has fetched the results of an attempt, or needs them no more. */
  fetched(of: Attempted): void {
    this.#drop(this.#takeUnfetched(of));
  }

  #takeUnfetched({ index, generation, attempt }: Attempted): Run {
    const run = this.byIndex.get(index);
    if (run?.generation !== generation || run.attempt !== attempt || !this.#unfetched.delete(run)) {
      throw malformed(`results of task ${index} that are not here`);
    }
    return run;
  }

  /** The answer of an attempt has counted, and the results that it names stay. */
  stays(of: Attempted): void {
    const run = this.#takeUnfetched(of);
    for (const { number, object } of run.served) this.#staying.set(number, { object, job: run.job });
    const staying = new Set(run.served.map(({ object }) => object));
    for (const object of run.objects) if (!staying.has(object)) this.#ports.release(object);
    this.#ports.forgetBegun(run);
    this.#leave(run);
  }

  /** The object of a result that stays. */
  staying(number: number): number | undefined {
    return this.#staying.get(number)?.object;
  }

  /** Nothing needs a result any more that stays. */
  dropped(number: number): void {
    const staying = this.#staying.get(number);
    // It goes with its job, too.
    if (staying === undefined) return;
    this.#staying.delete(number);
    this.#ports.dropStaying(number, staying.object);
  }

  /** A job is over. */
  endJob(job: number): void {
    for (const [number, staying] of this.#staying) if (staying.job === job) this.dropped(number);
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
    for (const number of this.#staying.keys()) this.dropped(number);
  }

  #drop(run: Run | undefined): void {
    if (run === undefined) return;
    this.#ports.forget(run);
    this.#leave(run);
  }

  #leave(run: Run): void {
    // Another task may have its place.
    if (this.byIndex.get(run.index) === run) this.byIndex.delete(run.index);
  }
}
