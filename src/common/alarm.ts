import { clearTimeout, now, setTimeout } from './timers.ts';

/** Rings at each time that was asked for, once for all times that have passed. */
export class Alarm {
  readonly #ring: () => void;
  /** In whole milliseconds: times that are close together are one. */
  readonly #times = new Set<number>();
  #timer: NodeJS.Timeout | undefined;
  #next = Number.POSITIVE_INFINITY;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** `time`: on the clock of `now()`. */
  at(time: number): void {
    const whole = Math.ceil(time);
    this.#times.add(whole);
    if (whole < this.#next) this.#set(whole);
  }

  stop(): void {
    this.#times.clear();
    this.#next = Number.POSITIVE_INFINITY;
    clearTimeout(this.#timer);
  }

  #set(time: number): void {
    clearTimeout(this.#timer);
    this.#next = time;
    // Node's timers may fire a little early.
    this.#timer = setTimeout(() => this.#fire(), Math.max(1, Math.ceil(time - now())));
  }

  #fire(): void {
    const time = now();
    let next = Number.POSITIVE_INFINITY;
    let rings = false;
    for (const one of this.#times) {
      if (one <= time) {
        this.#times.delete(one);
        rings = true;
      } else next = Math.min(next, one);
    }
    this.#next = Number.POSITIVE_INFINITY;
    if (next < Number.POSITIVE_INFINITY) this.#set(next);
    if (rings) this.#ring();
  }
}
