import type { JobQueue, Line } from './model.ts';
import type { JobId } from './ports.ts';

/** The unmet lines of one priority, by job, in the order of the jobs' turns. */
export interface Level {
  readonly priority: number;
  readonly queues: JobQueue[];
}

/** The lines that want more than they have, highest priority first. Those that waited too long stand before all. */
export class Unmet {
  readonly levels: Level[] = [];
  readonly #orders = new Map<JobId, number>();
  #jobs = 0;

  add(line: Line): void {
    if (line.queue !== null) return;
    const queue = this.#queue(line.aged ? Number.POSITIVE_INFINITY : line.ask.priority, line.ask.job);
    line.queue = queue;
    line.at = queue.lines.push(line) - 1;
  }

  remove(line: Line): void {
    const { queue } = line;
    if (queue === null) return;
    const last = queue.lines.pop();
    if (last !== undefined && last !== line) {
      queue.lines[line.at] = last;
      last.at = line.at;
    }
    line.queue = null;
    if (queue.lines.length === 0) this.#drop(queue);
  }

  /** The highest priority of lines that are not `line`; -Infinity: there are none. */
  highestBeside(line: Line): number {
    for (const { priority, queues } of this.levels) {
      if (queues.length > 1 || queues[0]?.lines.length !== 1 || queues[0].lines[0] !== line) return priority;
    }
    return Number.NEGATIVE_INFINITY;
  }

  forgetJob(job: JobId): void {
    this.#orders.delete(job);
  }

  #queue(priority: number, job: JobId): JobQueue {
    const { levels } = this;
    let i = 0;
    while (i < levels.length && (levels[i]?.priority ?? 0) > priority) i++;
    let level = levels[i];
    if (level?.priority !== priority) {
      level = { priority, queues: [] };
      levels.splice(i, 0, level);
    }
    const order = this.#order(job);
    const at = firstFrom(level.queues, order);
    const there = level.queues[at];
    if (there?.order === order) return there;
    const queue: JobQueue = { job, order, priority, lines: [], next: 0 };
    level.queues.splice(at, 0, queue);
    return queue;
  }

  #order(job: JobId): number {
    let order = this.#orders.get(job);
    if (order === undefined) {
      order = this.#jobs++;
      this.#orders.set(job, order);
    }
    return order;
  }

  #drop(queue: JobQueue): void {
    const i = this.levels.findIndex(({ priority }) => priority === queue.priority);
    const level = this.levels[i];
    if (level === undefined) return;
    level.queues.splice(firstFrom(level.queues, queue.order), 1);
    if (level.queues.length === 0) this.levels.splice(i, 1);
  }
}

/** The place of the first queue whose order is at least `order`. */
export function firstFrom(queues: readonly JobQueue[], order: number): number {
  let low = 0;
  let high = queues.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((queues[middle]?.order ?? 0) < order) low = middle + 1;
    else high = middle;
  }
  return low;
}
