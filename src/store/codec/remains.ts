import { types } from 'node:util';
import { isEverywhere, otherKeys } from './error-keys.ts';
import { bareError, errorKind, hiddenKeys } from './error-types.ts';
import { type Portable, portable } from './hooks.ts';
import { isPlainPrototype } from './realm.ts';
import { cannotTravel } from './refusal.ts';

/** Containers nested deeper than this are left out. What is copied has to be encoded, inside a few levels of mobula's own. */
const MAX_DEPTH = 500;
/** Getters can make an endless value: after so many objects the rest is left out. */
const MAX_OBJECTS = 10_000;

/** Whether an object can be encoded as it is, with all that is in it. */
export type Carries = (object: object) => boolean;

function mark(what: string): string {
  return `[cannot travel: ${what}]`;
}

/** What stands in a copy for a value that cannot travel. */
function markOf(value: unknown): string {
  try {
    return mark(cannotTravel(value).message.replace(/^is /, ''));
  } catch {
    return mark('an object that fails to be read');
  }
}

/**
 * A copy of a value that cannot travel whole: everything in it that can, and a text in brackets in place of each part that
 * cannot. Runs getters and proxies of the value; what they throw counts as a part that cannot travel.
 */
export function remainsOf(value: unknown, carries: Carries): unknown {
  return new Copier(carries).copy(value);
}

/** The same of an object's own enumerable properties, whatever its class. */
export function remainingProperties(object: object, carries: Carries): object {
  return new Copier(carries).properties(object, {}, Object.keys(object));
}

class Copier {
  readonly #carries: Carries;
  readonly #copies = new Map<object, unknown>();
  #depth = 0;

  constructor(carries: Carries) {
    this.#carries = carries;
  }

  copy(value: unknown): unknown {
    if (typeof value === 'symbol') return markOf(value);
    if (typeof value === 'function') return isPortable(value) && this.#carries(value) ? value : markOf(value);
    if (typeof value !== 'object' || value === null) return value;
    if (this.#copies.has(value)) return this.#copies.get(value);
    if (this.#depth >= MAX_DEPTH) return mark(`more than ${MAX_DEPTH} levels deep`);
    if (this.#copies.size >= MAX_OBJECTS) return mark(`more than ${MAX_OBJECTS} objects`);
    this.#depth++;
    let copied: unknown;
    try {
      copied = this.#copyObject(value);
    } catch {
      copied = markOf(value);
    }
    this.#depth--;
    this.#copies.set(value, copied);
    return copied;
  }

  #copyObject(value: object): unknown {
    if (isPortable(value)) return this.#copyPortable(value);
    if (value instanceof DOMException) return this.#copyDomException(value);
    if (types.isNativeError(value) || value instanceof Error) return this.#copyError(value);
    const prototype: object | null = Object.getPrototypeOf(value);
    if (Array.isArray(value) && prototype === Array.prototype) return this.#copyArray(value);
    if (types.isMap(value) && prototype === Map.prototype) return this.#copyMap(value);
    if (types.isSet(value) && prototype === Set.prototype) return this.#copySet(value);
    if (isPlainPrototype(prototype)) {
      const copy = this.#begin(value, {});
      return this.properties(value, copy, otherKeys(value, []));
    }
    return this.#carries(value) ? value : markOf(value);
  }

  /** Remembers a copy before what is in it is copied, which may refer back. */
  #begin<T extends object>(value: object, copy: T): T {
    this.#copies.set(value, copy);
    return copy;
  }

  /** An error of mobula's own is rebuilt from a description, which may hold what user code threw. */
  #copyPortable(value: object & Portable): unknown {
    if (this.#carries(value)) return value;
    this.#copies.set(value, mark('a reference back to the error it is a part of'));
    const [kind, payload] = value[portable]();
    if (typeof payload !== 'object' || payload === null) return markOf(value);
    const copy = this.copy(payload);
    return { [portable]: () => [kind, copy] as const };
  }

  #copyError(error: Error): Error {
    const copy = this.#begin(error, bareError(errorKind(error)) ?? new Error());
    const name = Object.hasOwn(error, 'name') ? undefined : this.#read(error, 'name');
    if (typeof name === 'string' && name !== copy.name) define(copy, 'name', name, false);
    return this.#errorProperties(error, copy, hiddenKeys);
  }

  #copyDomException(error: DOMException): unknown {
    if (this.#carries(error)) return error;
    const [name, message] = [error.name, error.message].map(String);
    const copy = this.#begin(error, new DOMException(message, name));
    return this.#errorProperties(error, copy, ['stack', 'cause']);
  }

  #errorProperties<T extends Error>(error: Error, copy: T, hidden: readonly string[]): T {
    const own = hidden.filter((key) => Object.hasOwn(error, key));
    for (const key of own) {
      const enumerable = Object.prototype.propertyIsEnumerable.call(error, key);
      define(copy, key, this.copy(this.#read(error, key)), enumerable);
    }
    return this.properties(error, copy, otherKeys(error, hidden));
  }

  /** Copies properties of `from` to `copy`. A key that travels nowhere is told by its name. */
  properties<T extends object>(from: object, copy: T, keys: readonly (string | symbol)[]): T {
    const carriesSymbols = copy instanceof Error;
    for (const key of keys) {
      if (typeof key === 'symbol' && !(carriesSymbols && isEverywhere(key))) {
        define(copy, `[${String(key)}]`, mark('a property whose key is a symbol'), true);
      } else {
        define(copy, key, this.copy(this.#read(from, key)), true);
      }
    }
    return copy;
  }

  #copyArray(array: readonly unknown[]): unknown[] {
    const copy = this.#begin<unknown[]>(array, []);
    copy.length = array.length;
    return this.properties(array, copy, otherKeys(array, []));
  }

  #copyMap(map: ReadonlyMap<unknown, unknown>): Map<unknown, unknown> {
    const copy = this.#begin(map, new Map<unknown, unknown>());
    for (const [key, value] of Map.prototype.entries.call(map)) {
      copy.set(unused(this.copy(key), copy), this.copy(value));
    }
    return copy;
  }

  #copySet(set: ReadonlySet<unknown>): Set<unknown> {
    const copy = this.#begin(set, new Set<unknown>());
    for (const member of Set.prototype.values.call(set)) copy.add(unused(this.copy(member), copy));
    return copy;
  }

  #read(holder: object, key: string | symbol): unknown {
    try {
      return Reflect.get(holder, key);
    } catch {
      return mark('reading it throws');
    }
  }
}

/** Two parts that cannot travel must not become one: a mark that is there already gets a number. */
function unused(copied: unknown, taken: ReadonlySet<unknown> | ReadonlyMap<unknown, unknown>): unknown {
  return typeof copied === 'string' && taken.has(copied) ? `${copied} (${taken.size})` : copied;
}

function define(object: object, key: string | symbol, value: unknown, enumerable: boolean): void {
  Object.defineProperty(object, key, { value, enumerable, configurable: true, writable: true });
}

function isPortable(value: object): value is Portable {
  return typeof (value as Partial<Portable>)[portable] === 'function';
}
