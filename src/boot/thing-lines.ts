import type { SharedThing } from '../core/values/shared-thing.ts';
import type { SharedThings } from '../core/values/shared-things.ts';

/** A worker thread's end of its line, and what was shared before the thread began. */
export interface LineEnd {
  /** The line's name. */
  readonly hub: string;
  readonly things: readonly SharedThing[];
}

/** The lines over which worker threads get the shared things that Node does not broadcast: one for each thread. */
export class ThingLines {
  readonly #things: SharedThings;
  readonly #nodeId: string;
  /** By the state of the thread: what closes its line. */
  readonly #open = new Map<Int32Array, () => void>();
  /** How many lines there have been. */
  #count = 0;
  #closed = false;

  constructor(things: SharedThings, nodeId: string) {
    this.#things = things;
    this.#nodeId = nodeId;
  }

  /** Opens the line to a thread that is about to begin. */
  open(thread: Int32Array): LineEnd {
    const hub = `mobula:hub:${this.#nodeId}:${this.#count++}`;
    this.#open.set(thread, this.#things.connect(hub));
    return { hub, things: this.#things.all() };
  }

  /** The thread has ended. */
  hangUp(thread: Int32Array): void {
    if (!this.#closed) this.#open.get(thread)?.();
    this.#open.delete(thread);
  }

  /** Closes all lines. */
  close(): void {
    this.#closed = true;
    this.#things.close();
  }
}
