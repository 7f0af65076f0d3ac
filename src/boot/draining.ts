import { now, setImmediate, Timer } from '../common/timers.ts';
import type { ThreadRuntime } from '../core/runtime.ts';

/** Milliseconds until the threads are asked the first time for streams that nobody reads; twice as many each time after it. */
const FIRST_ASK_MS = 1000;

/** The wait for the work in flight, when a node shuts down. Its end can be brought nearer, and nothing else. */
export class Draining {
  readonly #runtime: ThreadRuntime;
  #end = Number.POSITIVE_INFINITY;
  #limit: Timer | undefined;
  #ask: Timer | undefined;
  #over = false;
  #resolve: () => void = () => undefined;
  /** Resolves when nothing is in flight, or when it is not waited for any longer. */
  readonly over: Promise<void> = new Promise((resolve) => {
    this.#resolve = resolve;
  });

  constructor(runtime: ThreadRuntime) {
    this.#runtime = runtime;
  }

  /** Begins to wait; `limit` may have been called before. */
  begin(): void {
    if (this.#over) return;
    if (this.#runtime.addon.drain()) this.finish();
    else {
      this.look();
      this.#askLater(FIRST_ASK_MS);
    }
  }

  /** Waits for `milliseconds` more at most. */
  limit(milliseconds: number): void {
    const end = now() + milliseconds;
    if (this.#over || end >= this.#end) return;
    this.#end = end;
    this.#limit?.cancel();
    if (milliseconds === 0) this.finish();
    else this.#limit = new Timer(milliseconds, () => this.finish());
  }

  finish(): void {
    this.#over = true;
    this.#limit?.cancel();
    this.#ask?.cancel();
    this.#resolve();
  }

  /** There is news: what is still in flight may be generators that wait for readers, while nobody reads. */
  look(): void {
    if (this.#over || !this.#runtime.subscriptions.idle) return;
    const { streams } = this.#runtime.inbox;
    if (streams.stuck().length < this.#runtime.addon.liveTasks()) return;
    // Those who were just handed an item have not had their turn.
    setImmediate(() => {
      if (this.#over || !this.#runtime.subscriptions.idle) return;
      const stuck = streams.stuck();
      if (stuck.length >= this.#runtime.addon.liveTasks()) for (const stream of stuck) stream.giveUp();
    });
  }

  /** Streams that tasks have made and left go when they are collected, for which an idle thread sees no reason. */
  #askLater(milliseconds: number): void {
    this.#ask = new Timer(milliseconds, () => {
      this.#runtime.addon.askToCollect(this.#runtime.port.id);
      this.#askLater(milliseconds * 2);
    });
  }
}
