import { MobulaError } from '../../common/errors.ts';
import { printable, shown } from '../../common/print.ts';

/** What a ref needs of the runtime that it belongs to. */
export interface RefOwner {
  /** Gives one reference to an object back. */
  release(index: number): void;
  /** The public name of an object. */
  nameOf(index: number): string;
  /** Whether an object is there, with a value or an error. */
  isThere(index: number): boolean;
  isRecoverable(index: number): boolean;
  /** Puts in the place of each object in `objects` what its value keeps: 0 = not known yet, 1 = little, 2 = much. */
  weigh(objects: Uint32Array): void;
  /** Whether its runtime was shut down. */
  readonly closed: boolean;
}

/** Stands for an object that was given back. */
const RELEASED = -1;

/**
 * A few refs that were made one after another, and are given back to the core together when the last of them is
 * collected. V8 keeps whatever a FinalizationRegistry watches through every minor collection; watching one block
 * instead of 32 refs lets the refs of a burst of tasks die young.
 */
export class RefBlock {
  /** The objects that the block's refs hold; RELEASED where one was given back by itself. */
  readonly held: number[];
  /** Whether it is for several refs. */
  readonly shared: boolean;

  constructor(held: number[], shared: boolean) {
    this.held = held;
    this.shared = shared;
  }
}

/**
 * A reference to a value that exists or will exist in the object store.
 *
 * Pass it to tasks and actors as it is; `get` gives the value. The value is kept as long as a ref to it lives
 * anywhere.
 *
 * @example
 * const square = remote((x: number) => x * x);
 * const ref = square.remote(7);
 * console.log(await get(ref)); // 49
 */
export class ObjectRef<T> {
  #index: number;
  #block: RefBlock;
  /** Whether somebody waits, or has waited, for news of it: they tell what its value keeps. */
  #expected = false;
  readonly #owner: RefOwner;
  /** Only for the type checker: what `get` gives. */
  declare readonly __type?: T;

  private constructor(owner: RefOwner, block: RefBlock, index: number) {
    this.#owner = owner;
    this.#block = block;
    this.#index = index;
  }

  /** @internal `index` stands in `block.held`. */
  static of(owner: RefOwner, block: RefBlock, index: number): ObjectRef<unknown> {
    return new ObjectRef<unknown>(owner, block, index);
  }

  static {
    printable(ObjectRef.prototype, (ref: ObjectRef<unknown>) => {
      if (ref.#index === RELEASED || ref.#owner.closed) return shown('ObjectRef', 'released');
      return shown('ObjectRef', ref.id, ref.#owner.isThere(ref.#index) ? 'ready' : 'pending');
    });
    // Not enumerable and not in the types: it is there for what is taken for a generator and is none.
    Object.defineProperty(ObjectRef.prototype, Symbol.asyncIterator, {
      value() {
        throw new MobulaError('ERR_MOBULA_INVALID_ARGUMENT', notStream);
      },
    });
  }

  /** The object's name, unique in the cluster. */
  get id(): string {
    return this.#owner.nameOf(this.#index);
  }

  /**
   * Whether the object's lineage can rebuild it if its bytes are lost, as far as is known now: it is a large result of a task in a cluster,
   * whose value lies at another node, and all is kept that made it. False for everything else.
   *
   * @example
   * const ref = put(1);
   * console.log(ref.recoverable); // false
   */
  get recoverable(): boolean {
    return this.#index !== RELEASED && this.#owner.isRecoverable(this.#index);
  }

  /** Gives the reference back at once instead of when the ref is collected. */
  [Symbol.dispose](): void {
    const index = this.#index;
    if (index === RELEASED) return;
    this.#index = RELEASED;
    const { held } = this.#block;
    held[held.indexOf(index)] = RELEASED;
    this.#owner.release(index);
  }

  /** @internal */
  static is(value: object): value is ObjectRef<unknown> {
    return #index in value;
  }

  /** @internal The object's place in the core; negative once released. */
  static index(ref: ObjectRef<unknown>): number {
    return ref.#index;
  }

  /** @internal News of the object will come. */
  static expect(ref: ObjectRef<unknown>): void {
    ref.#expected = true;
  }

  /** @internal */
  static isExpected(ref: ObjectRef<unknown>): boolean {
    return ref.#expected;
  }

  /** @internal Whether it holds an object, together with others. */
  static isShared(ref: ObjectRef<unknown>): boolean {
    return ref.#block.shared && ref.#index !== RELEASED;
  }

  /** @internal From now on `block` holds the ref's object, and the old one has let go of it. */
  static moveTo(ref: ObjectRef<unknown>, block: RefBlock): void {
    const { held } = ref.#block;
    held[held.indexOf(ref.#index)] = RELEASED;
    ref.#block = block;
  }

  /** @internal Makes the ref a released one, without giving its reference back. */
  static forget(ref: ObjectRef<unknown>): void {
    const { held } = ref.#block;
    held[held.indexOf(ref.#index)] = RELEASED;
    ref.#index = RELEASED;
  }

  /** @internal */
  static owner(ref: ObjectRef<unknown>): RefOwner {
    return ref.#owner;
  }
}

const notStream =
  'This is one ref, not a stream. A function gives a stream if it is a generator itself: declare it as function* or async function*, also where it only passes on what another one yields (yield*).';

/** Why a ref or an actor handle is of no use any more, and what to do. */
export const releasedAdvice: string =
  'Its [Symbol.dispose]() was called, or the runtime it belonged to was shut down. Use it before that, or make a new one.';

/** For the use of a released ref. `name`: what the error calls it, or its place among arguments. */
export function releasedError(name: string | number): MobulaError {
  const what = typeof name === 'number' ? `args[${name}]` : name;
  return new MobulaError('ERR_MOBULA_INVALID_ARGUMENT', `${what} was released. ${releasedAdvice}`);
}
