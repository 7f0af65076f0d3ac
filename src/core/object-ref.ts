/** What a ref stands for, shared by the ref and the runtime so that the ref itself can be collected. */
export interface Handle {
  /** The object's place in the core; -1 once the handle is given back. */
  index: number;
  /** How many subscriptions the thread has on it. */
  subscriptions: number;
  /** The ref was collected or disposed of while it had subscriptions. */
  abandoned: boolean;
  /** Whether lineage can rebuild the object. */
  readonly recoverable: boolean;
  readonly owner: HandleOwner;
}

/** Who gives handles back. */
export interface HandleOwner {
  /** The ref behind this handle is gone. */
  drop(handle: Handle): void;
  /** The public name of an object. */
  nameOf(index: number): string;
}

const released =
  'This ref was released: ref[Symbol.dispose]() was called, or the runtime it belonged to was shut down.';

/**
 * A reference to a value that exists or will exist in the object store.
 *
 * Pass it to tasks and actors as it is; `get` gives the value. The value is kept as long as a ref to it lives
 * anywhere.
 *
 * @example
 * const ref = square.remote(7);
 * console.log(await get(ref)); // 49
 */
export class ObjectRef<T> {
  readonly #handle: Handle;
  /** Only for the type checker: what `get` gives. */
  declare readonly __type?: T;

  /** @internal */
  constructor(handle: Handle) {
    this.#handle = handle;
  }

  /** The object's name, unique in the cluster. */
  get id(): string {
    return this.#handle.owner.nameOf(this.#handle.index);
  }

  /** Whether the object's lineage can rebuild it if its bytes are lost. */
  get recoverable(): boolean {
    return this.#handle.recoverable;
  }

  /** Gives the reference back at once instead of when the ref is collected. */
  [Symbol.dispose](): void {
    this.#handle.owner.drop(this.#handle);
  }

  /** @internal */
  static is(value: object): value is ObjectRef<unknown> {
    return #handle in value;
  }

  /** @internal */
  static handle(ref: ObjectRef<unknown>): Handle {
    return ref.#handle;
  }

  /** @internal */
  static released(): string {
    return released;
  }
}
