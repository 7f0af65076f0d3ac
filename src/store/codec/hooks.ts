/** Marks a class whose instances travel by `kind` and `payload` instead of by their properties. */
export const portable: unique symbol = Symbol.for('mobula.portable') as never;

/** Something that knows how to travel: an actor handle, a remote function. */
export interface Portable {
  [portable](): readonly [kind: number, payload: unknown];
}

/** Key lists known to every thread of the process, so that objects travel without their keys. */
export interface ShapeTable {
  /** The id of this key list, or -1 when the table is full. */
  intern(keys: readonly string[]): number;
  /** The key list behind an id that `intern` gave out, in any thread. */
  keys(id: number): readonly string[];
}

/** What the encoder asks of the runtime. */
export interface EncodeHooks {
  readonly shapes: ShapeTable;
  /** ArrayBuffers of at least this many bytes go to `writer.buffers` instead of inline. */
  readonly outOfBandBytes: number;
  /** Whether this ArrayBuffer goes out of band whatever its size, because it is in the store already. */
  livesInStore?(buffer: ArrayBufferLike): boolean;
  /** Whether `value` is an ObjectRef. Asked only for objects with a prototype of their own. */
  isRef(value: object): boolean;
  /** The index the ref travels as, a u32; throws a typed error for a ref that cannot travel. */
  refIndex(value: object): number;
  /**
   * The index, a u32, of a ref that stands for something the threads of the process share: a SharedArrayBuffer, a
   * WebAssembly.Module. It is among `writer.refs`, like any other.
   */
  share(thing: object): number;
}

/** What the decoder asks of the runtime. */
export interface DecodeHooks {
  readonly shapes: ShapeTable;
  /** The ref with this index. Each in `writer.refs` is asked for once, by this or by `shared`. */
  ref(index: number): object;
  /** Rebuilds what `[portable]()` described. */
  revive(kind: number, payload: unknown): unknown;
  /** What the ref with this index stands for. */
  shared(index: number): object;
  /** The `ordinal`-th out-of-band buffer of this value, in the order of `writer.buffers`. */
  buffer(ordinal: number): ArrayBuffer;
}
