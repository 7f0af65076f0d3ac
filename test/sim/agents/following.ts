import { isAway, isThere, isValue, type Missing, type Task } from './core-task.ts';

/** A task that goes behind others, and the arguments that they make. */
interface Next {
  readonly task: Task;
  readonly missing: readonly Missing[];
}

const hasGone = (task: Task): boolean => task.state === 'taken' && task.held;

/** The tasks that may go behind others: a model of `crates/mobula-sched/src/follow.rs`. */
export class Following {
  /** The first task that waits for one that has not gone. */
  readonly #behind = new Map<Task, Task>();
  readonly #next: Task[] = [];
  window = 0;

  wait(task: Task, maker: Task): void {
    if (hasGone(maker)) this.#next.push(task);
    else if (!this.#behind.has(maker)) this.#behind.set(maker, task);
  }

  gone(maker: Task): void {
    const task = this.#behind.get(maker);
    this.#behind.delete(maker);
    if (task !== undefined) this.#next.push(task);
  }

  /** The next that goes. */
  pop(): Next | undefined {
    while (this.window > 0) {
      const task = this.#next.shift();
      if (task === undefined) return undefined;
      const missing = this.#missing(task);
      if (missing === undefined) continue;
      for (const { maker } of missing) maker.followed = true;
      this.window -= 1;
      return { task, missing };
    }
    return undefined;
  }

  /** What a task waits for, if all that makes it has gone, and nothing follows that yet. */
  #missing(task: Task): readonly Missing[] | undefined {
    if (task.state !== 'waiting' || task.deps.some((dep) => isThere(dep) && (!isValue(dep) || isAway(dep))))
      return undefined;
    const missing: Missing[] = [];
    for (const [position, dep] of task.deps.entries()) {
      if (isThere(dep)) continue;
      const maker = dep.of;
      if (!hasGone(maker)) {
        this.wait(task, maker);
        return undefined;
      }
      if (maker.followed) return undefined;
      missing.push({ position, maker, result: dep.result });
    }
    return missing.length === 0 ? undefined : missing;
  }
}
