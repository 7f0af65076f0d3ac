import { clearTimeout, setTimeout } from '../../common/timers.ts';
import type { Addon } from '../../native/addon.ts';
import type { TaskContext } from '../run/task-context.ts';

/** How often the waits of a thread are looked at; one that has been seen twice is long. */
const PERIOD_MS = 1000;

/** A task that waits. */
export interface TaskWait {
  readonly task: TaskContext;
  /** What it waits for, if it does so without limits. */
  readonly objects: readonly number[] | undefined;
  /** The look before which it began. */
  readonly look: number;
}

/**
 * Tells the core of tasks of this thread that have waited in `get` for more than a second: it looks for those that wait
 * for one another. Waits that end by themselves, after `timeoutMs` or by a signal, are not told of.
 */
export class LongWaits {
  readonly #addon: Pick<Addon, 'reportWaits'>;
  readonly #port: number;
  readonly #waits = new Set<TaskWait>();
  #timer: NodeJS.Timeout | undefined;
  #look = 0;
  /** Whether the core knows of any. */
  #told = false;

  constructor(addon: Pick<Addon, 'reportWaits'>, port: number) {
    this.#addon = addon;
    this.#port = port;
  }

  /** `objects` stay what they are while they are waited for, whatever becomes of their refs. */
  begin(task: TaskContext, objects: readonly number[] | undefined): TaskWait {
    const wait = { task, objects, look: this.#look };
    if (objects === undefined) return wait;
    this.#waits.add(wait);
    this.#timer ??= setTimeout(this.#lookNow, PERIOD_MS).unref();
    return wait;
  }

  end(wait: TaskWait): void {
    this.#waits.delete(wait);
  }

  readonly #lookNow = (): void => {
    this.#timer = undefined;
    this.#look++;
    const records: number[] = [];
    for (const { task, objects, look } of this.#waits) {
      if (objects === undefined || look + 1 >= this.#look || task.ended) continue;
      records.push(task.index, task.generation, task.attempt, task.template.id, objects.length);
      for (const object of objects) records.push(object);
    }
    if (records.length > 0 || this.#told) this.#addon.reportWaits(this.#port, Uint32Array.from(records));
    this.#told = records.length > 0;
    if (this.#waits.size > 0) this.#timer = setTimeout(this.#lookNow, PERIOD_MS).unref();
  };

  close(): void {
    clearTimeout(this.#timer);
    this.#waits.clear();
  }
}
