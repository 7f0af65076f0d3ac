/** How two values differ, as a path and what is there; undefined if they are the same in everything that travels. */
export function difference(here: unknown, there: unknown): string | undefined {
  return new Comparison().at('value', here, there);
}

const errorClasses: readonly Function[] = [
  AggregateError,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  DOMException,
  Error,
];

/** The built-in class of an error, which is what arrives of a class of one's own. */
export function errorClass(error: object): Function | undefined {
  return errorClasses.find((known) => error instanceof known);
}

class Comparison {
  readonly #theirs = new Map<object, object>();
  readonly #ours = new Map<object, object>();

  at(path: string, here: unknown, there: unknown): string | undefined {
    if (!isObject(here) || !isObject(there)) {
      return Object.is(here, there) ? undefined : `${path}: ${show(here)} here, ${show(there)} in a worker`;
    }
    if (this.#theirs.has(here) || this.#ours.has(there)) {
      const same = this.#theirs.get(here) === there && this.#ours.get(there) === here;
      return same ? undefined : `${path}: the identity of objects differs`;
    }
    this.#theirs.set(here, there);
    this.#ours.set(there, here);
    if (here === there) return undefined;
    if (here instanceof Error || there instanceof Error) return this.#errors(path, here, there);
    return this.#kind(path, here, there) ?? this.#content(path, here, there) ?? this.#properties(path, here, there);
  }

  #kind(path: string, here: object, there: object): string | undefined {
    const tag = (value: object): string => Object.prototype.toString.call(value);
    if (tag(here) !== tag(there)) return `${path}: ${tag(here)} here, ${tag(there)} in a worker`;
    // As with structured clone, an object without a prototype arrives as a plain one.
    const proto = (value: object): unknown => Object.getPrototypeOf(value) ?? Object.prototype;
    if (proto(here) !== proto(there)) return `${path}: ${className(here)} here, ${className(there)} in a worker`;
    return undefined;
  }

  #content(path: string, here: object, there: object): string | undefined {
    if (here instanceof Map && there instanceof Map) return this.#lists(`${path} (entries)`, [...here], [...there]);
    if (here instanceof Set && there instanceof Set) return this.#lists(`${path} (members)`, [...here], [...there]);
    if (here instanceof Date && there instanceof Date)
      return this.at(`${path} (time)`, here.getTime(), there.getTime());
    if (here instanceof RegExp && there instanceof RegExp) return this.at(path, String(here), String(there));
    if (isBoxed(here) && isBoxed(there)) return this.at(`${path} (boxed)`, here.valueOf(), there.valueOf());
    if (here instanceof ArrayBuffer && there instanceof ArrayBuffer) return this.#buffers(path, here, there);
    if (here instanceof SharedArrayBuffer) return `${path}: shared memory arrived as another`;
    if (ArrayBuffer.isView(here) && ArrayBuffer.isView(there)) return this.#views(path, here, there);
    return undefined;
  }

  #lists(path: string, here: readonly unknown[], there: readonly unknown[]): string | undefined {
    if (here.length !== there.length) return `${path}: ${here.length} here, ${there.length} in a worker`;
    for (let i = 0; i < here.length; i++) {
      const pair = here[i];
      const found =
        Array.isArray(pair) && path.endsWith('(entries)')
          ? this.#lists(`${path}[${i}]`, pair, there[i] as readonly unknown[])
          : this.at(`${path}[${i}]`, pair, there[i]);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #buffers(path: string, here: ArrayBuffer, there: ArrayBuffer): string | undefined {
    const facts = (buffer: ArrayBuffer): string =>
      `${buffer.byteLength} ${Reflect.get(buffer, 'resizable')} ${Reflect.get(buffer, 'maxByteLength')}`;
    if (facts(here) !== facts(there)) return `${path}: buffer ${facts(here)} here, ${facts(there)} in a worker`;
    return Buffer.from(here).equals(Buffer.from(there)) ? undefined : `${path}: other bytes`;
  }

  #views(path: string, here: ArrayBufferView, there: ArrayBufferView): string | undefined {
    if (here.byteLength !== there.byteLength) {
      return `${path}: ${here.byteLength} bytes here, ${there.byteLength} in a worker`;
    }
    if (!bytes(here).equals(bytes(there))) return `${path}: other bytes`;
    return lengthIsTracked(here) === lengthIsTracked(there)
      ? undefined
      : `${path}: the view follows its buffer's length here or there only`;
  }

  /** The own properties, in order; an accessor counts as the value it gives. */
  #properties(path: string, here: object, there: object): string | undefined {
    if (ArrayBuffer.isView(here)) return undefined;
    if (Array.isArray(here) && Array.isArray(there) && here.length !== there.length) {
      return `${path}: length ${here.length} here, ${there.length} in a worker`;
    }
    const keys = Object.keys(here);
    const found = Object.keys(there);
    if (keys.join('\n') !== found.join('\n')) return `${path}: keys [${keys}] here, [${found}] in a worker`;
    for (const key of keys) {
      const inside = this.at(`${path}.${key}`, Reflect.get(here, key), Reflect.get(there, key));
      if (inside !== undefined) return inside;
    }
    return undefined;
  }

  #errors(path: string, here: object, there: object): string | undefined {
    const known = errorClass(here);
    const arrived = errorClass(there);
    if (known !== arrived) return `${path}: ${known?.name} here, ${arrived?.name ?? show(there)} in a worker`;
    for (const key of ['name', 'message', 'code'] as const) {
      const found = this.at(`${path}.${key}`, Reflect.get(here, key), Reflect.get(there, key));
      if (found !== undefined) return found;
    }
    if (typeof Reflect.get(here, 'stack') !== typeof Reflect.get(there, 'stack')) return `${path}: stack`;
    for (const key of ['cause', 'errors']) {
      if (Object.hasOwn(here, key) !== Object.hasOwn(there, key)) return `${path}.${key}: here or there only`;
    }
    const other = differentKeys(here, there);
    if (other !== undefined) return `${path}: ${other}`;
    const keys = Object.keys(here);
    for (const key of [...(known === DOMException ? [] : ['cause', 'errors']), ...keys]) {
      const inside = this.#errorProperty(`${path}.${key}`, Reflect.get(here, key), Reflect.get(there, key));
      if (inside !== undefined) return inside;
    }
    return undefined;
  }

  /** What cannot travel leaves a mark in an error, in its place; all around it travels. */
  #errorProperty(path: string, here: unknown, there: unknown): string | undefined {
    if (here instanceof Error || travels(here)) return this.at(path, here, there);
    if (!isObject(here) || !isPlain(here)) {
      const marked = typeof there === 'string' && there.startsWith('[cannot travel');
      return marked ? undefined : `${path}: ${show(there)}, which is no mark for what could not travel`;
    }
    if (!isObject(there)) return `${path}: ${show(there)} in place of an object of which a part can travel`;
    const keys = Object.keys(here);
    const found = Object.keys(there);
    if (keys.join('\n') !== found.join('\n')) return `${path}: keys [${keys}] here, [${found}] in a worker`;
    for (const key of keys) {
      const inside = this.#errorProperty(`${path}.${key}`, Reflect.get(here, key), Reflect.get(there, key));
      if (inside !== undefined) return inside;
    }
    return undefined;
  }
}

/**
 * How the properties of two errors differ. They have no order. A property whose key is a symbol travels under a key that
 * names the symbol.
 */
function differentKeys(here: object, there: object): string | undefined {
  const symbols = Object.getOwnPropertySymbols(here).filter((key) =>
    Object.prototype.propertyIsEnumerable.call(here, key),
  );
  const wanted = [...Object.keys(here), ...symbols.map((key) => `[${String(key)}]`)].sort();
  const found = Object.keys(there).sort();
  return wanted.join('\n') === found.join('\n') ? undefined : `keys [${wanted}] expected, [${found}] in a worker`;
}

/** Whether it is an array or an object without a class. */
function isPlain(value: object): boolean {
  const proto: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || proto === Object.prototype || proto === null;
}

function travels(value: unknown): boolean {
  try {
    structuredClone(value);
  } catch {
    return false;
  }
  return !hasInstance(value, new Set());
}

function hasInstance(value: unknown, seen: Set<object>): boolean {
  if (!isObject(value) || seen.has(value) || ArrayBuffer.isView(value)) return false;
  seen.add(value);
  const plain = Object.prototype.toString.call(value) === '[object Object]';
  if (plain && ![Object.prototype, null].includes(Object.getPrototypeOf(value))) return true;
  return Object.values(value).some((inside) => hasInstance(inside, seen));
}

function lengthIsTracked(view: ArrayBufferView): boolean {
  const { buffer } = view;
  if (Reflect.get(buffer, 'resizable') !== true) return false;
  const grown = (buffer as ArrayBuffer & { maxByteLength: number; resize(length: number): void }).byteLength;
  const most = Reflect.get(buffer, 'maxByteLength') as number;
  const before = view.byteLength;
  if (most - grown < 16) return false;
  const resize = Reflect.get(buffer, 'resize') as (length: number) => void;
  resize.call(buffer, grown + 16);
  const tracked = view.byteLength !== before;
  resize.call(buffer, grown);
  return tracked;
}

function bytes(view: ArrayBufferView): Buffer {
  return Buffer.from(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength);
}

function isBoxed(value: object): boolean {
  return [Number, String, Boolean, BigInt].some((type) => value instanceof type);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function className(value: object): string {
  return String(Object.getPrototypeOf(value)?.constructor?.name);
}

/** A value in a few words. */
export function show(value: unknown): string {
  if (Object.is(value, -0)) return '-0';
  if (typeof value === 'string') return JSON.stringify(value.length > 300 ? `${value.slice(0, 300)}…` : value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return `the function ${value.name}`;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (!isObject(value)) return String(value);
  try {
    return `${className(value)} ${JSON.stringify(value)?.slice(0, 200)}`;
  } catch {
    return className(value);
  }
}
