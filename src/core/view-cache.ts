import type { Port } from './port.ts';

interface View {
  readonly array: WeakRef<ArrayBuffer>;
  readonly view: number;
}

/** Entries after which those of collected views are thrown out. */
const SWEEP = 256;

/**
 * A thread's views of buffers in the object store: private, copy on write.
 *
 * Mapping a large buffer and touching its pages costs more than many tasks do. So a task gets the view that an earlier task
 * of this thread had, provided that one has ended and nobody has written into it. A written view is never
 * handed out again: whoever wrote keeps what they wrote, and the next task sees the object as it was stored.
 */
export class ViewCache {
  readonly #port: Port;
  readonly #views = new Map<number, View>();
  #alone: () => boolean = () => false;
  /** Bytes mapped since garbage was collected last. */
  #mapped = 0;

  constructor(port: Port) {
    this.#port = port;
  }

  /** Hands views out again when `alone` says that no other task of the thread is under way. Without this, never. */
  reuse(alone: () => boolean): void {
    this.#alone = alone;
  }

  /** A view of a buffer. */
  of(buffer: number): ArrayBuffer {
    const { addon, id: port } = this.#port;
    const known = this.#views.get(buffer);
    // A view that lives keeps its buffer, so the number still means the same buffer.
    const array = known?.array.deref();
    if (known !== undefined && array !== undefined && this.#alone() && addon.isUnwritten(port, known.view))
      return array;
    const [fresh, view] = addon.mapBuffer(port, buffer);
    this.#mapped += fresh.byteLength;
    if (this.#views.size > SWEEP) this.#sweep();
    this.#views.set(buffer, { array: new WeakRef(fresh), view });
    return fresh;
  }

  /** Whether this thread has mapped more than `limit` bytes since the last time this was true. */
  exceeds(limit: number): boolean {
    if (this.#mapped <= limit) return false;
    this.#mapped = 0;
    return true;
  }

  #sweep(): void {
    for (const [buffer, { array }] of this.#views) if (array.deref() === undefined) this.#views.delete(buffer);
  }
}
