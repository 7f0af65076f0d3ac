import { isBuiltinPrototype } from './realm.ts';

/** A class of views over an ArrayBuffer. `size` is that of an element; a DataView counts in bytes. */
export interface ViewType {
  readonly name: string;
  readonly prototype: object;
  readonly size: number;
  /** Without a length, a view of a resizable buffer follows the buffer's. */
  readonly make: (buffer: ArrayBufferLike, byteOffset: number, length?: number) => ArrayBufferView;
}

interface ViewConstructor {
  new (buffer: ArrayBufferLike, byteOffset: number, length?: number): ArrayBufferView;
  readonly name: string;
  readonly prototype: object;
  readonly BYTES_PER_ELEMENT?: number;
}

function viewType(type: ViewConstructor): ViewType {
  const make: ViewType['make'] = (buffer, byteOffset, length) => new type(buffer, byteOffset, length);
  return { name: type.name, prototype: type.prototype, size: type.BYTES_PER_ELEMENT ?? 1, make };
}

const bufferType: ViewType = {
  name: 'Buffer',
  prototype: Buffer.prototype,
  size: 1,
  make: (buffer, byteOffset, length) => Buffer.from(buffer, byteOffset, length),
};

/** Float16Array came with Node 24; where it is missing, its place in the list stays empty at the end. */
const float16 = (globalThis as { readonly Float16Array?: ViewConstructor }).Float16Array;

/** The place of a class in this list is what it travels as: only ever append. */
export const viewTypes: readonly ViewType[] = [
  viewType(Int8Array),
  viewType(Uint8Array),
  viewType(Uint8ClampedArray),
  viewType(Int16Array),
  viewType(Uint16Array),
  viewType(Int32Array),
  viewType(Uint32Array),
  viewType(Float32Array),
  viewType(Float64Array),
  viewType(BigInt64Array),
  viewType(BigUint64Array),
  viewType(DataView),
  bufferType,
  ...(float16 === undefined ? [] : [viewType(float16)]),
];

const kinds = new Map(viewTypes.map((type, kind) => [type.prototype, kind]));

/** The place of a view's class in `viewTypes`, or -1 for a subclass. */
export function viewKind(view: ArrayBufferView): number {
  const prototype: object = Object.getPrototypeOf(view);
  return kinds.get(prototype) ?? viewTypes.findIndex((type) => isBuiltinPrototype(prototype, type.prototype));
}
