import { FreshObjects } from '../core/refs/fresh-objects.ts';
import type { ThreadRuntime } from '../core/runtime.ts';

/** Objects of the agent's port, without refs: each is given back once. */
export class Objects {
  readonly #runtime: ThreadRuntime;
  readonly #fresh: FreshObjects;
  #released: number[] = [];

  constructor(runtime: ThreadRuntime) {
    this.#runtime = runtime;
    this.#fresh = new FreshObjects((pairs) => runtime.addon.allocObjects(runtime.port.id, pairs));
  }

  take(count: number): readonly number[] {
    if (count === 1) return [this.#fresh.take()];
    return Array.from({ length: count }, () => this.#fresh.take());
  }

  /** One more handle of an object that is here. */
  share(object: number): void {
    const { addon, port } = this.#runtime;
    addon.shareObject(port.id, object);
  }

  /** Gives a handle back, with the next `flush`. */
  release(object: number): void {
    this.#released.push(object);
  }

  flush(): void {
    if (this.#released.length === 0) return;
    this.#runtime.port.release(this.#released);
    this.#released = [];
  }
}
