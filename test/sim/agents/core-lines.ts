import type { Near } from '../../../src/agent/submitter/state.ts';
import type { Line, Task } from './core-task.ts';

/** What the agent is told of a line. */
export interface LineNews {
  readonly kind: 'line';
  readonly line: number;
  readonly waiting: number;
  readonly meanMs: undefined;
  readonly ask: string | undefined;
  readonly near: Near | undefined;
  readonly over: boolean;
}

/** The tasks that wait for the agent: a model of `crates/mobula-sched/src/forward.rs`. */
export class Lines {
  readonly #lines = new Map<number, Line>();
  readonly #numbers = new Map<string, number>();
  #made = 0;

  get size(): number {
    return this.#lines.size;
  }

  push(task: Task, near: Near | undefined): void {
    task.near = near;
    const line = this.#of(task);
    line.tasks.push(task);
    line.closed = false;
  }

  #of({ ask, near }: Pick<Task, 'ask' | 'near'>): Line {
    const key = `${ask} ${near?.node}`;
    const known = this.#lines.get(this.#numbers.get(key) ?? 0);
    if (known !== undefined) return known;
    const line: Line = { number: ++this.#made, ask, near, tasks: [], window: 0, closed: false, told: undefined };
    this.#lines.set(line.number, line);
    this.#numbers.set(key, line.number);
    return line;
  }

  remove(task: Task): void {
    const { tasks } = this.#of(task);
    tasks.splice(tasks.indexOf(task), 1);
  }

  open(number: number, window: number): void {
    const line = this.#lines.get(number);
    if (line !== undefined) line.window = window;
  }

  close(number: number): void {
    const line = this.#lines.get(number);
    if (line !== undefined) line.closed = line.tasks.length === 0;
  }

  /** The next task that the agent takes. */
  pop(): { readonly line: number; readonly task: Task } | undefined {
    for (const line of this.#lines.values()) {
      if (line.window === 0 || line.tasks.length === 0) continue;
      line.window -= 1;
      const task = line.tasks.shift();
      if (task !== undefined) return { line: line.number, task };
    }
    return undefined;
  }

  /** A task that was popped does not go now. */
  keep(task: Task): void {
    this.#of(task).window += 1;
  }

  /** Lines of which the agent knows another count, or nothing, or that are over. */
  news(): LineNews[] {
    const news: LineNews[] = [];
    for (const line of this.#lines.values()) {
      const { number, ask, near, tasks, told } = line;
      const over = line.closed && tasks.length === 0;
      if (told === tasks.length && !over) continue;
      const first = told === undefined ? { ask, near } : { ask: undefined, near: undefined };
      news.push({ kind: 'line', line: number, waiting: tasks.length, meanMs: undefined, ...first, over });
      line.told = tasks.length;
      if (!over) continue;
      this.#lines.delete(number);
      this.#numbers.delete(`${ask} ${near?.node}`);
    }
    return news;
  }
}
