/**
 * The clock and the timers of mobula. Test runners replace those of the global object by fakes that stand still, some of them
 * before mobula is loaded; these are Node's own. `scripts/lint.mjs` forbids the global ones in the rest of `src/`.
 */
import { performance } from 'node:perf_hooks';
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

const settled = Promise.resolve();

/** As `queueMicrotask`, which no module of Node's exports. */
export function queueMicrotask(run: () => void): void {
  void settled.then(run);
}

/** Milliseconds on a clock that never goes back. */
export const now: () => number = performance.now.bind(performance);

/** Resolves after `milliseconds`, however many they are. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void new Timer(milliseconds, resolve));
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
