import type { Placing } from '../../../src/agent/data/named.ts';
import { outcome, status } from '../../../src/core/port/wire.ts';
import { encodeFailure, failure } from '../../../src/core/values/failures.ts';
import { Violation } from '../scenario.ts';
import type { Bug } from './bugs.ts';
import { AwayRefs, type PlaceNews } from './core-away.ts';
import { type LineNews, Lines } from './core-lines.ts';
import { isThere, isValue, type Missing, type Ref, type Task } from './core-task.ts';
import { Following } from './following.ts';
import type { Outcome, Spec } from './work.ts';

/** What the core tells the agent. */
export type CoreNews =
  | LineNews
  | PlaceNews
  | {
      readonly kind: 'task';
      readonly task: Task;
      /** 0 where it follows others. */
      readonly line: number;
      readonly missing: readonly Missing[];
      /** The places of arguments, by their position. */
      readonly placed: ReadonlyMap<number, number>;
      /** The values of the others that are there, in order. */
      readonly values: readonly Uint8Array[];
    }
  | { readonly kind: 'stop'; readonly index: number; readonly generation: number; readonly force: boolean };

/** A value of an answer, or the place where it stays. */
export type Stay = Uint8Array | Placing;

/** The submitting core at its agent's port: a model of what `crates/mobula-sched` does there. */
export class Core {
  readonly lines = new Lines();
  readonly following = new Following();
  readonly away: AwayRefs;
  /** By place; a place is free again when nobody holds the task. */
  readonly #tasks: (Task | undefined)[] = [];
  readonly #generations: number[] = [];
  readonly #free: number[] = [];
  readonly #waiting = new Map<Ref, Task[]>();
  readonly #readers = new Map<Ref, ((of: Outcome) => void)[]>();
  #stops: CoreNews[] = [];
  readonly #settled: (task: Task) => void;
  readonly #nodeOf: (number: number) => string | undefined;
  readonly #bug: Bug | undefined;

  /** `nodeOf`: what node the agent has given a number. */
  constructor(settled: (task: Task) => void, nodeOf: (number: number) => string | undefined, bug: Bug | undefined) {
    this.#bug = bug;
    this.#settled = settled;
    this.#nodeOf = nodeOf;
    this.away = new AwayRefs({
      again: (task, deps) => this.submit(task.spec, task.ask, deps, task),
      settle: (ref, of) => {
        ref.outcome = of;
        this.#tell(ref);
        // That of who settles it.
        this.away.ifUnheld(ref);
      },
    });
  }

  at(index: number): Task | undefined {
    return this.#tasks[index];
  }

  /** `first`: the task whose values are made again. The driver has handles of all others. */
  submit(spec: Spec, ask: string, deps: readonly Ref[], first?: Task): Task {
    const index = this.#free.shift() ?? this.#tasks.length;
    const generation = (this.#generations[index] ?? -1) + 1;
    this.#generations[index] = generation;
    const base = { spec, ask, index, generation, deps, refs: [] as Ref[], state: 'waiting' as const, first };
    const counts = { tries: 1, excused: 0, follows: false, followed: false, behind: [], awaits: [], again: undefined };
    const task: Task = { ...base, ...counts, held: false, near: undefined };
    const empty = { outcome: undefined, place: undefined, next: undefined, holders: first === undefined ? 1 : 0 };
    for (let result = 0; result < spec.results; result++) task.refs.push({ of: task, result, ...empty });
    this.#tasks[index] = task;
    for (const dep of deps) dep.holders += 1;
    this.#wait(task, deps);
    if (deps.every(isThere)) this.#argumentsThere(task);
    else this.#mayFollow(task);
    return task;
  }

  #wait(task: Task, refs: readonly Ref[]): void {
    for (const ref of refs) {
      if (!isThere(ref)) this.#waiting.set(ref, [...(this.#waiting.get(ref) ?? []), task]);
    }
  }

  /** Has a task wait for what will have values of its arguments; false if nothing is missing. */
  #awaits(task: Task): boolean {
    task.awaits = task.deps.flatMap((dep) => {
      const found = this.away.find(dep, true);
      return found.is === 'pending' ? [found.ref] : [];
    });
    this.#wait(task, task.awaits);
    return task.awaits.length > 0;
  }

  #argumentsThere(task: Task): void {
    task.state = 'waiting';
    if (this.#awaits(task)) return;
    const failed = task.deps
      .map((dep) => this.away.find(dep, true))
      .find((found) => found.is === 'here' && found.outcome.status !== status.value);
    if (failed?.is === 'here') {
      this.#settle(task, failed.outcome);
      this.#leave(task);
      return;
    }
    task.state = 'ready';
    this.#push(task);
  }

  #push(task: Task): void {
    const near = this.away.nearest(task.deps);
    const node = near && this.#nodeOf(near.node);
    this.lines.push(task, node === undefined ? undefined : { node, bytes: near?.bytes ?? 0 });
  }

  #mayFollow(task: Task): void {
    const maker = task.deps.find((dep) => !isThere(dep))?.of;
    if (maker !== undefined) this.following.wait(task, maker);
  }

  /** Cancels a task, wherever it is. */
  cancel(task: Task, force: boolean): void {
    if (task.state === 'settled') return;
    const { index, generation, state } = task;
    if (state === 'taken') this.#stops.push({ kind: 'stop', index, generation, force });
    if (state === 'ready') this.lines.remove(task);
    this.#settle(task, { status: status.systemError, bytes: encodeFailure(failure.cancelled, task.tries, '', '') });
    if (!task.held) this.#leave(task);
  }

  /** Calls `read` with the value of a ref, or its error, once it is here. */
  read(ref: Ref, read: (of: Outcome) => void): void {
    const found = this.away.find(ref, false);
    if (found.is === 'here') read(found.outcome);
    else if (found.is === 'pending') {
      const again = (): void => this.read(ref, read);
      this.#readers.set(found.ref, [...(this.#readers.get(found.ref) ?? []), again]);
    }
  }

  /** All that the agent is to hear. */
  news(): readonly CoreNews[] {
    const news: CoreNews[] = [...this.#stops, ...this.away.news()];
    this.#stops = [];
    for (let next = this.lines.pop(); next !== undefined; next = this.lines.pop()) {
      const { task, line } = next;
      if (task.deps.some((dep) => !this.#mayGo(dep))) {
        this.lines.keep(task);
        this.#argumentsThere(task);
        continue;
      }
      this.#take(task);
      news.push({ kind: 'task', task, line, missing: [], ...this.#arguments(task) });
    }
    for (let next = this.following.pop(); next !== undefined; next = this.following.pop()) {
      this.#take(next.task);
      next.task.follows = true;
      news.push({ kind: 'task', line: 0, ...next, ...this.#arguments(next.task) });
    }
    news.push(...this.lines.news());
    return news;
  }

  /** Whether an argument is a value, here or elsewhere. */
  #mayGo(dep: Ref): boolean {
    const found = this.away.find(dep, true);
    if (found.is === 'here')
      return found.outcome.status === status.value || this.#bug === 'error handed out as a value';
    return found.is === 'at';
  }

  /** The arguments of a task that are there, and the places of those that are elsewhere. */
  #arguments({ deps }: Task): { readonly placed: ReadonlyMap<number, number>; readonly values: readonly Uint8Array[] } {
    const placed = new Map<number, number>();
    const values: Uint8Array[] = [];
    for (const [position, dep] of deps.entries()) {
      const found = this.away.find(dep, true);
      if (found.is === 'at') placed.set(position, found.place);
      else if (found.is === 'here') values.push(found.outcome.bytes);
    }
    return { placed, values };
  }

  #take(task: Task): void {
    task.state = 'taken';
    task.held = true;
    this.following.gone(task);
  }

  open(line: number, window: number): void {
    if (line === 0) this.following.window = window;
    else this.lines.open(line, window);
  }

  /** An attempt ends. `kind`: `outcome` of src/core/port/wire.ts. */
  result(index: number, kind: number, values: readonly Stay[]): void {
    const task = this.#tasks[index];
    if (task?.held !== true) throw new Violation(`an attempt ends of a task ${index} that is not out`);
    const follows = task.follows;
    task.follows = false;
    if (follows && !task.deps.every(isValue)) {
      this.#unused(values);
      this.#unfollow(task, kind !== outcome.unbegun);
      return;
    }
    task.held = false;
    if (task.state === 'settled') {
      this.#unused(values);
      this.#leave(task);
      return;
    }
    const again = (kind === outcome.retry || kind === outcome.lost) && task.tries <= task.spec.maxRetries;
    if (kind === outcome.unbegun || again) {
      task.state = 'ready';
      task.followed = false;
      if (again) task.tries += 1;
      this.#push(task);
      return;
    }
    const bad = kind === outcome.failed || kind === outcome.lost ? status.systemError : status.userError;
    if (kind === outcome.ok || kind === outcome.stays) this.#settleWith(task, values);
    else this.#settle(task, { status: bad, bytes: values[0] as Uint8Array });
    this.#leave(task);
  }

  #unused(values: readonly Stay[]): void {
    for (const stay of values) if (!(stay instanceof Uint8Array)) this.away.unused(stay.place);
  }

  /** The agent lets go of a task whose arguments are not all there. */
  #unfollow(task: Task, again: boolean): void {
    task.held = false;
    task.followed = false;
    task.excused += 1;
    if (task.state === 'settled') {
      this.#leave(task);
      return;
    }
    task.state = 'waiting';
    if (task.deps.every(isThere)) this.#argumentsThere(task);
    else if (again) this.#mayFollow(task);
  }

  #settle(task: Task, as: Outcome): void {
    this.#end(task, () => as);
  }

  #settleWith(task: Task, values: readonly Stay[]): void {
    if (values.length !== task.refs.length) throw new Violation(`${values.length} values for ${task.spec.task}`);
    this.#end(task, (ref) => {
      const stay = values[ref.result] as Stay;
      return stay instanceof Uint8Array ? { status: status.value, bytes: stay } : this.away.stays(ref, stay);
    });
  }

  #end(task: Task, outcomeOf: (ref: Ref) => Outcome): void {
    if (task.state === 'settled') throw new Violation(`${task.spec.task} is settled twice`);
    task.state = 'settled';
    for (const ref of task.refs) ref.outcome = outcomeOf(ref);
    this.#settled(task);
    for (const ref of task.refs) this.#tell(ref);
    for (const ref of task.refs) this.away.ifUnheld(ref);
  }

  #tell(ref: Ref): void {
    const waiting = this.#waiting.get(ref) ?? [];
    this.#waiting.delete(ref);
    for (const next of waiting) {
      const isReady = next.deps.every(isThere) && next.awaits.every(isThere);
      if (next.state === 'waiting' && isReady) this.#argumentsThere(next);
    }
    const readers = this.#readers.get(ref) ?? [];
    this.#readers.delete(ref);
    for (const read of readers) read(ref.outcome as Outcome);
  }

  /** Nobody holds the task any more. */
  #leave(task: Task): void {
    this.#tasks[task.index] = undefined;
    this.#free.push(task.index);
    for (const dep of task.deps) this.away.letGo(dep);
  }
}
