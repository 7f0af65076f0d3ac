import { now } from '../common/timers.ts';

/** The first and the longest pause between threads that end themselves, in milliseconds. */
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [100, 10_000];
/** Milliseconds without one after which the next counts as the first. */
const CALM_MS = 60_000;

/**
 * How often threads may end themselves because a module failed to load. The first may at once: the cause may have passed. While
 * it goes on, each new thread stays for twice as long.
 */
export class Retirements {
  #pause = 0;
  #last = Number.NEGATIVE_INFINITY;

  /** A thread has ended itself. */
  add(): void {
    const calm = now() - this.#last > CALM_MS;
    this.#last = now();
    this.#pause = calm ? FIRST_PAUSE_MS : Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
  }

  /** Milliseconds for which a thread that starts now may not end itself. */
  nextMs(): number {
    return now() - this.#last > CALM_MS ? 0 : this.#pause;
  }
}
