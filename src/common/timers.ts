/**
 * The clock and the timers of mobula. Test runners replace those of the global object by fakes that stand still; these
 * are the ones that were there when mobula was loaded. `scripts/lint.mjs` forbids the global ones in the rest of `src/`.
 */
import {
  clearTimeout as clear,
  clearInterval as clearRepeated,
  setImmediate as immediate,
  setInterval as repeat,
  setTimeout as start,
} from 'node:timers';

export const setTimeout: typeof start = start;
export const clearTimeout: typeof clear = clear;
export const setInterval: typeof repeat = repeat;
export const clearInterval: typeof clearRepeated = clearRepeated;
export const setImmediate: typeof immediate = immediate;
export const queueMicrotask: typeof globalThis.queueMicrotask = globalThis.queueMicrotask;

/** Milliseconds on a clock that never goes back. */
export const now: () => number = globalThis.performance.now.bind(globalThis.performance);

/** Resolves after `milliseconds`. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void start(resolve, milliseconds));
}

/** The longest time that Node's timers know: with a longer one they fire after a millisecond. */
const LONGEST_MS = 2 ** 31 - 1;

/** A timer for a time that a user gave, of whatever length. */
export class Timer {
  readonly #action: () => void;
  readonly #end: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(milliseconds: number, action: () => void) {
    this.#action = action;
    this.#end = now() + milliseconds;
    this.#start(milliseconds);
  }

  #start(milliseconds: number): void {
    if (milliseconds <= LONGEST_MS) {
      this.#timer = start(this.#action, milliseconds);
      return;
    }
    this.#timer = start(() => this.#start(Math.max(0, this.#end - now())), LONGEST_MS);
  }

  cancel(): void {
    clear(this.#timer);
  }
}
