import { status } from '../../../src/core/port/wire.ts';
import { encodeFailure, failure } from '../../../src/core/values/failures.ts';
import { Violation } from '../scenario.ts';
import type { Io } from './io.ts';
import { asBytes, type Ends, fromBytes, type Outcome, type Value, type Work } from './work.ts';

/** One attempt that came from another node, as the executing core has it. */
export interface Attempt {
  readonly work: Work;
  readonly attempt: number;
  readonly objects: readonly number[];
  /** In the page of begun tasks. */
  readonly slot: number;
  /** Its arguments that were refs: values that came along, and objects that are made here. */
  readonly args: readonly Arg[];
  state: 'waiting' | 'queued' | 'running' | 'over';
}

export type Arg = Uint8Array | Made;

interface Made {
  attempt: Attempt | undefined;
  outcome: Outcome | undefined;
  token: number | undefined;
  handles: number;
}

/** What the core tells its agent: an object is there. */
export interface Settled {
  readonly token: number;
  readonly outcome: Outcome;
}

/** What is told of attempts, for the checks of a seed. */
export interface Watched {
  began(work: Work, attempt: number): void;
  made(value: Value): void;
}

/** The executing core: each attempt waits for its arguments and for one of `slots`, runs once and settles its results. */
export class Executor {
  readonly objects = new Map<number, Made>();
  /** The slots of tasks that have begun. */
  readonly begun = new Set<number>();
  news: Settled[] = [];
  readonly #io: Io;
  readonly #node: string;
  readonly #slots: number;
  readonly #watched: Watched;
  readonly #running = new Map<string, Attempt>();
  readonly #attempts = new Set<Attempt>();
  #lastObject = 0;
  #runs = 0;

  constructor(io: Io, node: string, slots: number, watched: Watched) {
    this.#io = io;
    this.#node = node;
    this.#slots = slots;
    this.#watched = watched;
  }

  /** Attempts that are not over. */
  get size(): number {
    return this.#attempts.size;
  }

  take(count: number): readonly number[] {
    return Array.from({ length: count }, () => {
      this.objects.set(++this.#lastObject, { attempt: undefined, outcome: undefined, token: undefined, handles: 1 });
      return this.#lastObject;
    });
  }

  share(object: number): void {
    this.made(object).handles += 1;
  }

  release(object: number): void {
    const made = this.objects.get(object);
    if (made === undefined) throw new Violation(`object ${object} is let go twice`);
    made.handles -= 1;
    if (made.handles === 0) this.objects.delete(object);
  }

  /** What a maker's result is here. */
  made(object: number): Made {
    const made = this.objects.get(object);
    if (made === undefined) throw new Violation('a result was let go before what follows its task came');
    return made;
  }

  run(
    work: Work,
    { attempt, objects, slot }: Pick<Attempt, 'attempt' | 'objects' | 'slot'>,
    args: readonly Arg[],
  ): void {
    const run: Attempt = { work, attempt, objects, slot, args, state: 'waiting' };
    for (const object of objects) this.made(object).attempt = run;
    this.#attempts.add(run);
    this.#look();
  }

  subscribe(object: number, token: number): void {
    const made = this.made(object);
    made.token = token;
    if (made.outcome !== undefined) this.news.push({ token, outcome: made.outcome });
  }

  cancel(object: number, force: boolean): void {
    const attempt = this.made(object).attempt;
    if (attempt === undefined || attempt.state === 'over') return;
    const runs = attempt.state === 'running';
    this.#settle(attempt, { status: status.systemError, bytes: encodeFailure(failure.cancelled, 0, '', '') });
    // One that hears of it goes on for a while; its place is not free yet.
    for (const [timer, other] of this.#running) {
      if (other !== attempt || !runs) continue;
      if (force) this.#running.delete(timer);
      else this.#io.at(timer, this.#io.now + 10);
    }
    this.#look();
  }

  /** Cancels an attempt that has not begun. */
  takeBack(object: number): void {
    if (this.made(object).attempt?.state !== 'running') this.cancel(object, false);
  }

  /** Begins what can begin. */
  #look(): void {
    for (const attempt of this.#attempts) {
      if (attempt.state === 'waiting' && attempt.args.every((arg) => outcomeOf(arg) !== undefined))
        this.#ready(attempt);
    }
    for (const attempt of this.#attempts) {
      if (this.#running.size >= this.#slots) break;
      if (attempt.state === 'queued') this.#begin(attempt);
    }
  }

  #ready(attempt: Attempt): void {
    const failed = attempt.args.map(outcomeOf).find((outcome) => outcome?.status !== status.value);
    if (failed === undefined) attempt.state = 'queued';
    else this.#settle(attempt, failed);
  }

  #begin(attempt: Attempt): void {
    const { work } = attempt;
    attempt.state = 'running';
    this.begun.add(attempt.slot);
    const timer = `run ${++this.#runs}`;
    this.#running.set(timer, attempt);
    this.#watched.began(work, attempt.attempt);
    if (endOf(attempt) !== 'endless') this.#io.at(timer, this.#io.now + work.ms);
  }

  /** A timer has fired; false: it is none of this core's. */
  fired(timer: string): boolean {
    const attempt = this.#running.get(timer);
    if (attempt === undefined) return timer.startsWith('run ');
    this.#running.delete(timer);
    if (attempt.state === 'running') this.#end(attempt, timer);
    this.#look();
    return true;
  }

  #end(attempt: Attempt, run: string): void {
    const { work } = attempt;
    const ends = endOf(attempt);
    if (ends === 'throws') this.#settle(attempt, { status: status.userError, bytes: asBytes(work.task) });
    else if (ends === 'asks again') this.#settle(attempt, { status: status.retryAsked, bytes: asBytes(work.task) });
    else if (ends === 'loses its worker') {
      this.#settle(attempt, { status: status.systemError, bytes: encodeFailure(failure.workerDied, 1, '', '') });
    } else {
      const from = attempt.args.map((arg) => fromBytes<Value>((outcomeOf(arg) as Outcome).bytes).id);
      this.#over(attempt);
      for (const [result, object] of attempt.objects.entries()) {
        const value: Value = { id: `${this.#node} ${run}.${result}`, task: work.task, result, from, names: work.names };
        this.#watched.made(value);
        this.#arrive(object, { status: status.value, bytes: asBytes(value) });
      }
    }
  }

  #settle(attempt: Attempt, outcome: Outcome): void {
    this.#over(attempt);
    for (const object of attempt.objects) this.#arrive(object, outcome);
    this.#look();
  }

  #over(attempt: Attempt): void {
    attempt.state = 'over';
    this.#attempts.delete(attempt);
  }

  #arrive(object: number, outcome: Outcome): void {
    const made = this.objects.get(object);
    if (made === undefined) throw new Violation(`the results of ${this.#node} were let go before they were there`);
    made.outcome = outcome;
    if (made.token !== undefined) this.news.push({ token: made.token, outcome });
  }
}

function outcomeOf(arg: Arg): Outcome | undefined {
  return arg instanceof Uint8Array ? { status: status.value, bytes: arg } : arg.outcome;
}

function endOf({ work, attempt }: Attempt): Ends {
  return work.ends[Math.min(attempt, work.ends.length) - 1] ?? 'value';
}
