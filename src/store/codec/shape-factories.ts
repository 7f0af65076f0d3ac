import type { ShapeTable } from './hooks.ts';
import type { ObjectMaker, Reader } from './reader.ts';

/** Reads the next value. */
export type Read = (reader: Reader) => unknown;
/** Reads the values of one shape and makes the object. */
export type ShapeFactory = (reader: Reader) => object;

/** Generating code costs some 20 µs: it pays for shapes that are met again. */
const USES_BEFORE_CODE = 16;

/** Sets an own property, also for the one key that assignment would send to the prototype. */
export function setOwn(object: object, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, configurable: true, enumerable: true, writable: true });
  } else {
    (object as Record<string, unknown>)[key] = value;
  }
}

/** One thread's ways to make objects from shape ids. */
export class ShapeFactories implements ObjectMaker {
  readonly #table: ShapeTable;
  readonly #read: Read;
  readonly #keys: (readonly string[])[] = [];
  readonly #uses: number[] = [];
  readonly #factories: (ShapeFactory | undefined)[] = [];

  constructor(table: ShapeTable, read: Read) {
    this.#table = table;
    this.#read = read;
  }

  make(reader: Reader, id: number): object {
    const factory = reader.objects === undefined ? this.#factories[id] : undefined;
    return factory === undefined ? this.#makeSlowly(reader, id) : factory(reader);
  }

  /** Key by key: also when others may refer to the object, which then has to exist before its values. */
  #makeSlowly(reader: Reader, id: number): object {
    const keys = this.#keysOf(id);
    const object = {};
    reader.track(object);
    for (const key of keys) setOwn(object, key, this.#read(reader));
    return object;
  }

  #keysOf(id: number): readonly string[] {
    const keys = this.#keys[id] ?? this.#table.keys(id);
    this.#keys[id] = keys;
    const uses = (this.#uses[id] ?? 0) + 1;
    this.#uses[id] = uses;
    if (uses === USES_BEFORE_CODE) this.#factories[id] = generate(keys, this.#read);
    return keys;
  }
}

function generate(keys: readonly string[], read: Read): ShapeFactory | undefined {
  const fields = keys.map((key) => `${key === '__proto__' ? '["__proto__"]' : JSON.stringify(key)}: read(reader)`);
  try {
    return new Function('read', `return (reader) => ({ ${fields.join(', ')} });`)(read) as ShapeFactory;
  } catch {
    // The process may forbid code from strings (--disallow-code-generation-from-strings).
    return undefined;
  }
}
