import type { Core } from './core.ts';
import { isAway, type Ref, type Task } from './core-task.ts';
import type { Io } from './io.ts';
import type { Outcome, Spec } from './work.ts';

/** Tasks whose refs a program keeps, as it may name them, and milliseconds after which it names none any more. */
const KEPT = 30;
const QUIET_MS = 1500;

/** What a program tells of its tasks, for the checks of a seed. */
export interface Told {
  settled(spec: Spec, attempts: number, excused: number, status: number, values: readonly Uint8Array[]): void;
  /** Results of a task stay where they were made. */
  stays(spec: Spec): void;
  /** Nobody will read the values of a task. */
  unread(spec: Spec): void;
  /** A task has run again, so often without being charged. */
  remade(spec: Spec, excused: number): void;
}

/** The driver's program, as far as it reads values and lets refs go. */
export class Reading {
  readonly #io: Io;
  readonly #core: Core;
  readonly #told: Told;
  readonly #tasks: Task[] = [];
  /** Those that are settled, by their place in `#tasks`, whose refs are not let go; and whether they were read. */
  readonly #read = new Map<number, boolean>();
  #submittedAt = 0;

  constructor(io: Io, core: Core, told: Told) {
    this.#io = io;
    this.#core = core;
    this.#told = told;
  }

  /** Tasks whose refs the program still has. */
  get size(): number {
    return this.#read.size;
  }

  submitted(task: Task): void {
    this.#tasks.push(task);
    this.#submittedAt = this.#io.now;
    // It may have been settled as it was submitted.
    if (task.state === 'settled') this.settled(task);
  }

  settled(task: Task): void {
    const { spec, excused, refs, first } = task;
    if (first !== undefined) {
      this.#told.remade(spec, excused);
      return;
    }
    const at = this.#tasks.lastIndexOf(task);
    if (at < 0) return;
    if (!refs.some(isAway)) {
      this.#read.set(at, true);
      this.#tell(
        task,
        refs.map(({ outcome }) => outcome as Outcome),
      );
      this.#io.at(`let go ${at}`, this.#io.now + QUIET_MS);
      return;
    }
    this.#read.set(at, false);
    this.#told.stays(spec);
    const chance = this.#io.random();
    // At once, later, or never.
    const ms = chance < 0.4 ? 0 : 3000 * this.#io.random();
    this.#io.at(`${chance < 0.8 ? 'read' : 'let go'} ${at}`, this.#io.now + ms);
  }

  #tell({ spec, tries, excused }: Task, outcomes: readonly Outcome[]): void {
    const bad = outcomes.find(({ status }) => status !== 0);
    const values = bad === undefined ? outcomes.map(({ bytes }) => bytes) : [bad.bytes];
    this.#told.settled(spec, tries, excused, bad?.status ?? 0, values);
  }

  /** A timer has fired; false: it is none of these. */
  fired(timer: string): boolean {
    const [, what, at] = /^(read|let go) (\d+)$/.exec(timer) ?? [];
    if (what === undefined) return false;
    if (what === 'read') this.#readAll(Number(at));
    else this.#letGo(Number(at));
    return true;
  }

  #readAll(at: number): void {
    const task = this.#tasks[at] as Task;
    const outcomes = new Map<Ref, Outcome>();
    for (const ref of task.refs) {
      this.#core.read(ref, (outcome) => {
        outcomes.set(ref, outcome);
        if (outcomes.size < task.refs.length) return;
        this.#read.set(at, true);
        this.#tell(
          task,
          task.refs.map((each) => outcomes.get(each) as Outcome),
        );
        this.#io.at(`let go ${at}`, this.#io.now + QUIET_MS);
      });
    }
  }

  #letGo(at: number): void {
    const isNew = at >= this.#tasks.length - KEPT && this.#io.now - this.#submittedAt < QUIET_MS;
    if (isNew) {
      this.#io.at(`let go ${at}`, this.#io.now + QUIET_MS);
      return;
    }
    const task = this.#tasks[at] as Task;
    if (this.#read.get(at) === false) this.#told.unread(task.spec);
    this.#read.delete(at);
    for (const ref of task.refs) this.#core.away.letGo(ref);
  }
}
