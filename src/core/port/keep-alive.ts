import { KEPT, RINGING } from './wire.ts';

/**
 * Whether a thread's event loop is kept alive, by all that want it at once: whoever waits for news, a shutdown, a reader of a
 * stream. It is as long as there is one of them.
 */
export class KeepAlive {
  readonly #owners = new Set<object>();
  readonly #control: Int32Array;
  readonly #changed: () => void;

  /** `changed`: has the thread's bell look at what is wanted, which stands in the control words. */
  constructor(control: Int32Array, changed: () => void) {
    this.#control = control;
    this.#changed = changed;
  }

  /** `owner` wants it, until it releases. Wanting it twice is wanting it once. */
  hold(owner: object): void {
    this.#owners.add(owner);
    if (this.#owners.size === 1) this.#set(true);
  }

  release(owner: object): void {
    if (this.#owners.delete(owner) && this.#owners.size === 0) this.#set(false);
  }

  #set(keep: boolean): void {
    this.#control[KEPT] = keep ? 1 : 0;
    // Once its callback and all that follows from it are over, the bell looks by itself.
    if (this.#control[RINGING] === 0) this.#changed();
  }
}
