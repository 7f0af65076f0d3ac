import type { Addon } from '../../native/addon.ts';
import type { Port } from '../port/port.ts';
import { op } from '../port/wire.ts';
import { currentTask, type TaskContext } from '../run/task-context.ts';
import { LongWaits, type TaskWait } from './long-waits.ts';

/** Lends a task's CPU to others while it waits, so that tasks that wait for tasks cannot starve them. */
export class Lender {
  readonly #port: Port;
  readonly #longWaits: LongWaits;
  #closed = false;

  constructor(addon: Addon, port: Port) {
    this.#port = port;
    this.#longWaits = new LongWaits(addon, port.id);
  }

  /** The task that the caller belongs to, if any, waits until `promise` is settled, by what makes `objects`. */
  blocking<T>(promise: Promise<T>, objects?: readonly number[]): Promise<T> {
    const task = currentTask();
    return task === undefined ? promise : this.lending(task, promise, objects);
  }

  /** As `blocking`, for a given task. */
  lending<T>(task: TaskContext, promise: Promise<T>, objects?: readonly number[]): Promise<T> {
    const wait = this.begin(task, objects);
    const end = (): void => this.end(wait);
    promise.then(end, end);
    return promise;
  }

  /** A task begins to wait, without limits if `objects` are given; `end` ends it. */
  begin(task: TaskContext, objects: readonly number[] | undefined): TaskWait {
    if (task.blocked++ === 0 && lends(task)) this.#block(task, true);
    return this.#longWaits.begin(task, objects);
  }

  end(wait: TaskWait): void {
    const { task } = wait;
    this.#longWaits.end(wait);
    if (--task.blocked === 0 && lends(task) && !this.#closed) this.#block(task, false);
  }

  #block(task: TaskContext, begins: boolean): void {
    const writer = this.#port.begin(6);
    writer.byte(op.block);
    writer.byte(begins ? 1 : 0);
    this.#port.word(task.index);
    this.#port.commit();
  }

  /** The runtime is closed. */
  close(): void {
    this.#closed = true;
    this.#longWaits.close();
  }
}

/** Whether the core is to hear of a task's waits. A wait may outlive its attempt, whose place in the core is another's then. */
function lends({ pending, ended }: TaskContext): boolean {
  return pending && !ended;
}
