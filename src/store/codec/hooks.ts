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
  /** The id, a u32, under which another thread finds this memory. */
  shareBuffer(memory: SharedArrayBuffer): number;
}

/** What the decoder asks of the runtime. */
export interface DecodeHooks {
  readonly shapes: ShapeTable;
  /** The ref with this index; `ordinal` counts the refs of this value in the order of `writer.refs`. */
  ref(index: number, ordinal: number): object;
  /** Rebuilds what `[portable]()` described. */
  revive(kind: number, payload: unknown): unknown;
  /** The memory that `shareBuffer` gave this id. */
  sharedBuffer(id: number): SharedArrayBuffer;
  /** The `ordinal`-th out-of-band buffer of this value, in the order of `writer.buffers`. */
  buffer(ordinal: number): ArrayBuffer;
}
