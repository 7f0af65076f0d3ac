import { readPartOf } from './binary-parts.ts';
import { readBigint } from './numbers.ts';
import { damaged, type Reader } from './reader.ts';
import { type Read, setOwn } from './shape-factories.ts';
import { END, TRACKS_LENGTH } from './tags.ts';
import { viewTypes } from './view-types.ts';

/** Reads entries up to the end mark. */
export function readMap(reader: Reader, read: Read): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>();
  reader.track(map);
  reader.enter();
  while (reader.peek() !== END) {
    const key = read(reader);
    map.set(key, read(reader));
  }
  reader.byte();
  reader.leave();
  return map;
}

/** Reads members up to the end mark. */
export function readSet(reader: Reader, read: Read): Set<unknown> {
  const set = new Set<unknown>();
  reader.track(set);
  reader.enter();
  while (reader.peek() !== END) set.add(read(reader));
  reader.byte();
  reader.leave();
  return set;
}

/** Reads a date from its time value. */
export function readDate(reader: Reader): Date {
  const date = new Date(reader.float64());
  reader.track(date);
  return date;
}

/** Reads source and flags; `lastIndex` starts anew, as after structured clone. */
export function readRegExp(reader: Reader): RegExp {
  const source = reader.string();
  const pattern = new RegExp(source, reader.string());
  reader.track(pattern);
  return pattern;
}

/** Reads a primitive and boxes it. */
export function readBoxed(reader: Reader, read: Read): object {
  const place = reader.reserve();
  const box: object = Object(read(reader));
  reader.fill(place, box);
  return box;
}

/** Reads sign, length and magnitude. */
export function readBigintValue(reader: Reader): bigint {
  const head = reader.varint();
  const length = Math.floor(head / 2);
  return readBigint(reader.bytes, reader.take(length), length, head % 2 === 1);
}

/** Reads an ArrayBuffer or SharedArrayBuffer from the table of parts. */
export function readBuffer(reader: Reader): ArrayBufferLike {
  const { buffer } = readPartOf(reader);
  reader.track(buffer);
  return buffer;
}

/** Reads a view; one that covers its whole part gets exactly that part as its buffer. */
export function readView(reader: Reader): ArrayBufferView {
  const kind = reader.byte();
  const type = viewTypes[kind & ~TRACKS_LENGTH];
  if (type === undefined) throw damaged('no such class of views');
  const { buffer, base } = readPartOf(reader);
  const byteOffset = reader.varint() - base;
  const view = type.make(buffer, byteOffset, (kind & TRACKS_LENGTH) === 0 ? reader.varint() : undefined);
  reader.track(view);
  return view;
}

/** Reads the index of a ref, and has the runtime make it. */
export function readRef(reader: Reader): object {
  const ref = reader.hooks.ref(reader.varint());
  reader.track(ref);
  return ref;
}

/** Reads which of the things it is that threads share as they are. */
export function readLocal(reader: Reader): object {
  const thing = reader.hooks.shared(reader.varint());
  reader.track(thing);
  return thing;
}

/** Reads what an object is rebuilt from, and has the runtime rebuild it. */
export function readPortable(reader: Reader, read: Read): unknown {
  const place = reader.reserve();
  const kind = reader.varint();
  reader.enter();
  const payload = read(reader);
  reader.leave();
  const value = reader.hooks.revive(kind, payload);
  reader.fill(place, value);
  return value;
}

/** Reads the place of an object that was made before. */
export function readBackReference(reader: Reader): unknown {
  const object = reader.objects?.[reader.varint()];
  // Also so for an object met inside what it is rebuilt from, which no encoder's user can have meant.
  if (object === undefined) throw damaged('a reference to an object not yet made');
  return object;
}

/** Reads an object that brought its keys along. */
export function readObjectInline(reader: Reader, read: Read): object {
  const count = reader.varint();
  const object = {};
  reader.track(object);
  reader.enter();
  for (let i = 0; i < count; i++) {
    const key = reader.string();
    setOwn(object, key, read(reader));
  }
  reader.leave();
  return object;
}
