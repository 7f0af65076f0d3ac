import { outcome, status } from '../../../src/core/port/wire.ts';
import { encodeFailure, failure } from '../../../src/core/values/failures.ts';
import { Violation } from '../scenario.ts';
import { type LineNews, Lines } from './core-lines.ts';
import { isThere, isValue, type Missing, type Ref, type Task } from './core-task.ts';
import { Following } from './following.ts';
import type { Outcome, Spec } from './work.ts';

/** What the core tells the agent. */
export type CoreNews =
  | LineNews
  | { readonly kind: 'task'; readonly task: Task; readonly missing: readonly Missing[] }
  | { readonly kind: 'stop'; readonly index: number; readonly generation: number; readonly force: boolean };

/** The submitting core at its agent's port: a model of what `crates/mobula-sched` does there. */
export class Core {
  readonly lines = new Lines();
  readonly following = new Following();
  /** By place; a place is free again when nobody holds the task. */
  readonly #tasks: (Task | undefined)[] = [];
  readonly #generations: number[] = [];
  readonly #free: number[] = [];
  readonly #waiting = new Map<Ref, Task[]>();
  #stops: CoreNews[] = [];
  readonly #settled: (task: Task) => void;

  constructor(settled: (task: Task) => void) {
    this.#settled = settled;
  }

  at(index: number): Task | undefined {
    return this.#tasks[index];
  }

  submit(spec: Spec, ask: string, deps: readonly Ref[]): Task {
    const index = this.#free.shift() ?? this.#tasks.length;
    const generation = (this.#generations[index] ?? -1) + 1;
    this.#generations[index] = generation;
    const base = { spec, ask, index, generation, deps, refs: [] as Ref[], state: 'waiting' as const };
    const task: Task = { ...base, held: false, tries: 1, excused: 0, follows: false, followed: false, behind: [] };
    for (let result = 0; result < spec.results; result++) task.refs.push({ of: task, result, outcome: undefined });
    this.#tasks[index] = task;
    for (const dep of deps) {
      if (!isThere(dep)) this.#waiting.set(dep, [...(this.#waiting.get(dep) ?? []), task]);
    }
    if (deps.every(isThere)) this.#argumentsThere(task);
    else this.#mayFollow(task);
    return task;
  }

  #argumentsThere(task: Task): void {
    const failed = task.deps.find((dep) => !isValue(dep));
    if (failed !== undefined) {
      this.#settle(task, failed.outcome as Outcome);
      this.#leave(task);
      return;
    }
    task.state = 'ready';
    this.lines.push(task);
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

  /** All that the agent is to hear. */
  news(): readonly CoreNews[] {
    const news: CoreNews[] = this.#stops;
    this.#stops = [];
    for (let task = this.lines.pop(); task !== undefined; task = this.lines.pop()) {
      this.#take(task);
      news.push({ kind: 'task', task, missing: [] });
    }
    for (let next = this.following.pop(); next !== undefined; next = this.following.pop()) {
      this.#take(next.task);
      next.task.follows = true;
      news.push({ kind: 'task', ...next });
    }
    news.push(...this.lines.news());
    return news;
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
  result(index: number, kind: number, values: readonly Uint8Array[]): void {
    const task = this.#tasks[index];
    if (task?.held !== true) throw new Violation(`an attempt ends of a task ${index} that is not out`);
    const follows = task.follows;
    task.follows = false;
    if (follows && !task.deps.every(isValue)) {
      this.#unfollow(task, kind !== outcome.unbegun);
      return;
    }
    task.held = false;
    if (task.state === 'settled') {
      this.#leave(task);
      return;
    }
    const again = (kind === outcome.retry || kind === outcome.lost) && task.tries <= task.spec.maxRetries;
    if (kind === outcome.unbegun || again) {
      task.state = 'ready';
      task.followed = false;
      if (again) task.tries += 1;
      this.lines.push(task);
      return;
    }
    const bad = kind === outcome.failed || kind === outcome.lost ? status.systemError : status.userError;
    if (kind === outcome.ok) this.#settleWith(task, values);
    else this.#settle(task, { status: bad, bytes: values[0] as Uint8Array });
    this.#leave(task);
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

  #settleWith(task: Task, values: readonly Uint8Array[]): void {
    if (values.length !== task.refs.length) throw new Violation(`${values.length} values for ${task.spec.task}`);
    this.#end(task, ({ result }) => ({ status: status.value, bytes: values[result] as Uint8Array }));
  }

  #end(task: Task, outcomeOf: (ref: Ref) => Outcome): void {
    if (task.state === 'settled') throw new Violation(`${task.spec.task} is settled twice`);
    task.state = 'settled';
    for (const ref of task.refs) ref.outcome = outcomeOf(ref);
    this.#settled(task);
    for (const ref of task.refs) {
      const waiting = this.#waiting.get(ref) ?? [];
      this.#waiting.delete(ref);
      for (const next of waiting) if (next.state === 'waiting' && next.deps.every(isThere)) this.#argumentsThere(next);
    }
  }

  /** Nobody holds the task any more. */
  #leave(task: Task): void {
    this.#tasks[task.index] = undefined;
    this.#free.push(task.index);
  }
}
