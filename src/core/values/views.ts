import { setImmediate } from '../../common/timers.ts';
import { nativeError } from '../../native/native-error.ts';
import type { Port } from '../port/port.ts';
import { collectYoung } from './collector.ts';

/**
 * A thread's private views of buffers in the object store.
 *
 * To V8 a view is garbage of a few bytes, and yet it keeps what it shows. V8 is told of that
 * (`native/src/accounting.rs`), but not while somebody waits for a view: it might collect for milliseconds.
 *
 * The core gives a mapping that nobody has written to to the next view of the same buffer, once its view was collected. Where
 * many views wait for that, the young ones are collected.
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
    if (this.#port.settleViews()) collectYoung();
  };
}
