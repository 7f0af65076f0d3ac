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

  /** Runs the generator to its end; gives how many items there were. */
  async drive(generator: AsyncIterator<unknown> | Iterator<unknown>): Promise<number> {
    let count = 0;
    for (;;) {
      if (this.#context.stopped) {
        await generator.return?.();
        return count;
      }
      const step = await generator.next();
      if (step.done === true) return count;
      if (count++ < this.#skip) continue;
      if (this.#room === 0) await this.#blocking(this.#consumer());
      if (this.#context.stopped) continue;
      this.#room--;
      this.#yield(step.value);
    }
  }

  #consumer(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiter = resolve;
    });
  }
}
