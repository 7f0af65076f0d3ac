import { readArray, readArrayWithKeys, readNumbers } from './decode-array.ts';
import { readDomException, readError } from './decode-error.ts';
import * as exotic from './decode-exotic.ts';
import type { DecodeHooks, ShapeTable } from './hooks.ts';
import { damaged, Reader } from './reader.ts';
import { ShapeFactories } from './shape-factories.ts';
import * as tags from './tags.ts';

/** Kept between values. A hook may decode another value meanwhile, which then makes its own. */
let idle: Reader | undefined;

/**
 * Reads the value that lies between `pos` and `end` of `bytes`; `view` covers the same memory. Bytes that no
 * encoder wrote give an Error, or a value: they never hang, nor read beyond `end`.
 */
export function decode(bytes: Uint8Array, view: DataView, pos: number, end: number, hooks: DecodeHooks): unknown {
  const first = bytes[pos] as number;
  if (pos < end && first < tags.ARRAY_SHORT) return first;
  if (pos < end && first === tags.UNDEFINED) return undefined;
  const reader = idle ?? new Reader();
  idle = undefined;
  reader.begin(bytes, view, pos, end, hooks);
  try {
    if (first === tags.ROOT || first === tags.ROOT_SHARED) {
      reader.pos++;
      reader.shapes = factoriesOf(hooks.shapes);
      if (first === tags.ROOT_SHARED) reader.objects = [];
    }
    return readValue(reader);
  } finally {
    reader.reset();
    idle = reader;
  }
}

const factories = new WeakMap<ShapeTable, ShapeFactories>();
let lastTable: ShapeTable | undefined;
let lastFactories: ShapeFactories | undefined;

function factoriesOf(table: ShapeTable): ShapeFactories {
  if (table === lastTable && lastFactories !== undefined) return lastFactories;
  lastTable = table;
  lastFactories = factories.get(table) ?? new ShapeFactories(table, readValue);
  factories.set(table, lastFactories);
  return lastFactories;
}

function readValue(reader: Reader): unknown {
  const tag = reader.byte();
  if (tag < tags.ARRAY_SHORT) return tag;
  const read = readers[tag - tags.ARRAY_SHORT] as TagReader;
  return read(reader, tag);
}

type TagReader = (reader: Reader, tag: number) => unknown;

function unknownTag(_reader: Reader, tag: number): never {
  throw damaged(`no value starts with byte ${tag}`);
}

function readShape(reader: Reader): object {
  reader.enter();
  const object = reader.shapes.make(reader, reader.varint());
  reader.leave();
  return object;
}

/** How each first byte from ARRAY_SHORT on is read. */
const readers: TagReader[] = new Array<TagReader>(0x100 - tags.ARRAY_SHORT).fill(unknownTag);

function on(tag: number, reader: TagReader, count = 1): void {
  readers.fill(reader, tag - tags.ARRAY_SHORT, tag - tags.ARRAY_SHORT + count);
}

on(tags.ARRAY_SHORT, (r, tag) => readArray(r, readValue, tag - tags.ARRAY_SHORT), tags.SHORT_ARRAY_LENGTHS);
on(tags.STRING_SHORT, (r, tag) => r.latin1(tag - tags.STRING_SHORT), tags.SHORT_STRING_LENGTHS);
on(tags.NEGATIVE_INT, (_, tag) => tag - 0x100, 0x100 - tags.NEGATIVE_INT);
on(tags.UNDEFINED, () => undefined);
on(tags.NULL, () => null);
on(tags.FALSE, () => false);
on(tags.TRUE, () => true);
on(tags.INT16, (r) => r.view.getInt16(r.take(2), true));
on(tags.INT32, (r) => r.view.getInt32(r.take(4), true));
on(tags.FLOAT64, (r) => r.float64());
on(tags.BIGINT, exotic.readBigintValue);
on(tags.LATIN1, (r) => r.latin1(r.varint()));
on(tags.UTF16, (r) => r.utf16(r.varint()));
on(tags.ARRAY, (r) => readArray(r, readValue, r.varint()));
on(tags.ARRAY_WITH_KEYS, (r) => readArrayWithKeys(r, readValue));
on(tags.NUMBERS, readNumbers);
on(tags.OBJECT_SHAPE, readShape);
on(tags.OBJECT_INLINE, (r) => exotic.readObjectInline(r, readValue));
on(tags.MAP, (r) => exotic.readMap(r, readValue));
on(tags.SET, (r) => exotic.readSet(r, readValue));
on(tags.DATE, exotic.readDate);
on(tags.REGEXP, exotic.readRegExp);
on(tags.BOXED, (r) => exotic.readBoxed(r, readValue));
on(tags.ERROR, (r) => readError(r, readValue));
on(tags.DOM_EXCEPTION, (r) => readDomException(r, readValue));
on(tags.BUFFER, exotic.readBuffer);
on(tags.VIEW, exotic.readView);
on(tags.REF, exotic.readRef);
on(tags.PORTABLE, (r) => exotic.readPortable(r, readValue));
on(tags.LOCAL, exotic.readLocal);
on(tags.BACK_REFERENCE, exotic.readBackReference);
