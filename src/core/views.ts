import { nativeError } from '../native/binding.ts';
import { collect, collectYoung } from './collector.ts';
import type { Port } from './port.ts';

/** A worker collects all garbage after mapping this part of the store. */
const STORE_SHARE = 8;
/** It collects young garbage, which takes a fraction of a millisecond, after mapping this many bytes. */
const YOUNG_BYTES = 8 * 2 ** 20;

/**
 * A thread's private views of buffers in the object store.
 *
 * A worker collects the views of tasks that have ended at once: their memory is the store's, of which V8 knows nothing, and the
 * next task that gets the same buffer can have the view whose pages are touched already.
 */
export class Views {
  readonly #port: Port;
  readonly #storeBytes: number;
  #sinceYoung = 0;
  #sinceAll = 0;
  #keeps = false;

  constructor(port: Port, storeBytes: number) {
    this.#port = port;
    this.#storeBytes = storeBytes;
  }

  /** A view of a buffer. */
  of(buffer: number): ArrayBuffer {
    try {
      const array = this.#port.addon.mapBuffer(this.#port.id, buffer);
      this.#sinceYoung += array.byteLength;
      this.#sinceAll += array.byteLength;
      return array;
    } catch (error) {
      throw nativeError(error);
    }
  }

  /** Between two tasks: collects what they left, if it is much; true if it did, and the loop should have a turn. */
  collectIfDue(): boolean {
    if (this.#sinceYoung < YOUNG_BYTES) return false;
    this.#keep(true);
    this.#sinceYoung = 0;
    if (this.#sinceAll < this.#storeBytes / STORE_SHARE) {
      collectYoung();
      return true;
    }
    this.#sinceAll = 0;
    collect();
    return true;
  }

  /** The thread has nothing to do: it keeps no views for later. */
  idle(): void {
    this.#keep(false);
  }

  #keep(keep: boolean): void {
    if (this.#keeps === keep) return;
    this.#keeps = keep;
    this.#port.addon.keepViews(this.#port.id, keep);
  }
}
