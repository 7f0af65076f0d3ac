import { setImmediate } from '../../common/timers.ts';
import { nativeError } from '../../native/native-error.ts';
import type { Port } from '../port/port.ts';

/**
 * A thread's private views of buffers in the object store.
 *
 * To V8 a view is garbage of a few bytes, and yet it keeps what it shows. V8 is told of that
 * (`native/src/accounting.rs`), but not while somebody waits for a view: it might collect for milliseconds.
 */
export class Views {
  readonly #port: Port;
  #scheduled = false;

  constructor(port: Port) {
    this.#port = port;
  }

  /** A view of a buffer. */
  of(buffer: number): ArrayBuffer {
    try {
      const array = this.#port.addon.mapBuffer(this.#port.id, buffer);
      if (!this.#scheduled) {
        this.#scheduled = true;
        setImmediate(this.#settle).unref();
      }
      return array;
    } catch (error) {
      throw nativeError(error);
    }
  }

  readonly #settle = (): void => {
    this.#scheduled = false;
    this.#port.settleViews();
  };
}
