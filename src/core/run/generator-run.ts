import { STREAM_WINDOW } from '../wait/stream.ts';
import type { TaskContext } from './task-context.ts';

/** Drives a generator: it yields until its consumer is a window behind, and goes on when the consumer says so. */
export class GeneratorRun {
  readonly #context: TaskContext;
  readonly #yield: (item: unknown) => void;
  /** Lends the task's CPU to others until a promise is settled. */
  readonly #blocking: (promise: Promise<void>) => Promise<void>;
  /** Items an earlier attempt has handed out already. */
  readonly #skip: number;
  #room: number = STREAM_WINDOW;
  #waiter: (() => void) | undefined;

  constructor(
    context: TaskContext,
    skip: number,
    write: (item: unknown) => void,
    blocking: (promise: Promise<void>) => Promise<void>,
  ) {
    this.#context = context;
    this.#skip = skip;
    this.#yield = write;
    this.#blocking = blocking;
  }

  /** The consumer has room for more. */
  credit(items: number): void {
    this.#room += items;
    this.wake();
  }

  /** Lets a paused run look at its task again: there is room, or the task is to stop. */
  wake(): void {
    this.#waiter?.();
    this.#waiter = undefined;
  }

  /**
   * Runs the generator to its end; gives how many items there were. However it ends, the generator's own `finally` has run:
   * also when an item cannot travel, or when an error that nobody caught has failed the task.
   */
  async drive(generator: AsyncIterator<unknown> | Iterator<unknown>): Promise<number> {
    let count = 0;
    for (;;) {
      if (this.#isOver) return await this.#close(generator, count);
      const step = await generator.next();
      if (step.done === true) return count;
      if (count++ < this.#skip) continue;
      if (this.#room === 0) await this.#blocking(this.#consumer());
      if (this.#isOver) continue;
      this.#room--;
      try {
        this.#yield(step.value);
      } catch (error) {
        await this.#close(generator, count).catch(() => undefined);
        throw error;
      }
    }
  }

  /** Whether nobody waits for items any more: the task is to stop, or its outcome is written. */
  get #isOver(): boolean {
    return this.#context.stopped || this.#context.ended;
  }

  async #close(generator: AsyncIterator<unknown> | Iterator<unknown>, count: number): Promise<number> {
    await generator.return?.();
    return count;
  }

  #consumer(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiter = resolve;
    });
  }
}
