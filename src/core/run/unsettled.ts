import type { ThreadRuntime } from '../runtime.ts';
import type { Attempt } from './attempt.ts';
import type { ResultWriter } from './result-writer.ts';

/** Turns of microtasks that promises get before their tasks count as going on in the background. */
const PATIENCE = 4;

/** The tasks whose promises are not settled: those of the batch, and those that went on in the background. */
export class Unsettled {
  readonly #runtime: ThreadRuntime;
  readonly #results: ResultWriter;
  /** Tasks that went on in the background, by index. */
  readonly #background = new Map<number, Attempt>();
  /** Tasks of the batch that have returned promises. */
  #batch: Attempt[] = [];
  /** Turns of microtasks that the batch has left. */
  #patience = 0;

  constructor(runtime: ThreadRuntime, results: ResultWriter) {
    this.#runtime = runtime;
    this.#results = results;
  }

  /** A task of the batch waits for a promise. */
  add(task: Attempt): void {
    this.#batch.push(task);
    this.#patience = PATIENCE;
  }

  /** Whether the next task may begin while the promise of this one is not settled. */
  mayGoOn({ template, blocked }: Attempt): boolean {
    return template.info.kind === 'task' && (template.habits.quick ?? blocked > 0);
  }

  /** Whether there are none. */
  get isEmpty(): boolean {
    return this.#background.size === 0 && !this.settling;
  }

  /** Whether promises of the batch are to be given a turn of microtasks. */
  get settling(): boolean {
    return this.#batch.length > 0;
  }

  /**
   * After a turn of microtasks: true if the batch's promises need more of them. In the end those that are not settled
   * count as going on in the background, and what waited for them is left to the core.
   */
  settle(): boolean {
    if (--this.#patience > 0 && this.#batch.some((task) => !task.ended && task.blocked === 0)) return true;
    for (const task of this.#batch) {
      if (!task.ended) {
        this.#goOnInBackground(task);
        this.#runtime.inbox.cutOff();
      } else {
        task.template.habits.quick ??= true;
      }
    }
    this.#batch = [];
    return false;
  }

  #goOnInBackground(task: Attempt): void {
    this.#background.set(task.index, task);
    if (task.pending) return;
    task.pending = true;
    if (task.blocked === 0) task.template.habits.quick = false;
    this.#results.pending(task);
  }

  /** A task that went on in the background has ended. */
  remove(task: Attempt): void {
    this.#background.delete(task.index);
  }

  /** The task of that index and generation, if it still runs in the background. Another may have its cell by now. */
  find(index: number, generation: number): Attempt | undefined {
    const task = this.#background.get(index);
    return task?.generation === generation ? task : undefined;
  }
}
