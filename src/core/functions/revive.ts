import { isBuiltin } from 'node:module';
import { callbackify, promisify } from 'node:util';
import { follow, importerOf, loadImport, metaOf, requireOf } from './imports.ts';
import { toUrl, viteFile } from './modules.ts';
import { rememberOrigin } from './origins.ts';
import {
  type AnyFunction,
  type Integrity,
  reachable,
  type Shipped,
  type ShippedFunction,
  type ShippedImport,
  type ShippedMembers,
  type ShippedSymbol,
} from './shipped.ts';
import { putInto } from './values.ts';
import { keepWrapper, wrapperFor } from './wrappers.ts';

/**
 * Makes a function from what `captureFunction` wrote. It is a promise only where modules have to be loaded first.
 */
export function reviveFunction(shipped: ShippedFunction): Promise<AnyFunction> | AnyFunction {
  const reviver = new Reviver();
  const waiting: Promise<void>[] = [];
  for (const item of reachable(shipped)) {
    if (item.kind !== 'import') continue;
    const loaded = loadImport(item);
    if (loaded instanceof Promise) waiting.push(loaded.then((value) => reviver.know(item, value)));
    else reviver.know(item, loaded);
  }
  if (waiting.length === 0) return reviver.root(shipped);
  return Promise.all(waiting).then(() => reviver.root(shipped));
}

class Reviver {
  readonly #values = new Map<Shipped, unknown>();
  /** Functions whose source is being evaluated; what needs them before they are there waits. */
  readonly #begun = new Set<Shipped>();
  readonly #late: (() => void)[] = [];

  know(item: ShippedImport, value: unknown): void {
    this.#values.set(item, value);
  }

  root(shipped: ShippedFunction): AnyFunction {
    const fn = this.#make(shipped);
    for (const finish of this.#late) finish();
    return fn as AnyFunction;
  }

  /** Gives `use` the value of `item`, at once unless it is a function that is only being made. */
  #give(item: Shipped, use: (value: unknown) => void): void {
    if (this.#begun.has(item) && !this.#values.has(item)) this.#late.push(() => use(this.#values.get(item)));
    else use(this.#make(item));
  }

  #make(item: Shipped): unknown {
    if (this.#values.has(item)) return this.#values.get(item);
    switch (item.kind) {
      case 'function':
        return this.#function(item);
      case 'data':
        this.#values.set(item, item.value);
        for (const { container, key, shipped } of item.patches)
          this.#give(shipped, (value) => putInto(container, key, value));
        return item.value;
      case 'namespace': {
        const namespace = item.base === undefined ? {} : moduleOver(this.#make(item.base) as object);
        this.#values.set(item, namespace);
        for (const [name, member] of item.members) this.#give(member, (value) => putInto(namespace, name, value));
        return namespace;
      }
      case 'intrinsic':
        return follow(item.module === undefined ? globalThis : process.getBuiltinModule(item.module), item.path);
      case 'instance': {
        const instance = {};
        this.#values.set(item, instance);
        this.#give(item.of, (maker) => Object.setPrototypeOf(instance, (maker as { prototype: object }).prototype));
        this.#members(instance, item.members);
        return instance;
      }
      case 'adapted': {
        const original = this.#make(item.original) as never;
        const adapted: unknown = item.adapter === 'promisify' ? promisify(original) : callbackify(original);
        this.#values.set(item, adapted);
        return adapted;
      }
      case 'symbol':
        return item.wellKnown ? Reflect.get(Symbol, item.key) : Symbol.for(item.key);
      case 'import.meta':
        return metaOf(item.file);
      case 'require':
        return requireOf(item.file);
      case 'dynamic import':
        return viteImporter(item.file);
      case 'coverage':
        return countNothing;
      case 'no cache':
        return () => null;
      case 'import':
        throw new Error(`the module ${item.specifier} was not loaded`);
    }
  }

  #function(item: ShippedFunction): AnyFunction {
    // Making the class makes what its static fields hold.
    const receiver = item.receiver && this.#make(item.receiver);
    if (this.#values.has(item)) return this.#values.get(item) as AnyFunction;
    this.#begun.add(item);
    const { wrapper, name, isShared } = wrapperFor(item);
    const values: Record<string, unknown> = {};
    let fill = (_values: Record<string, unknown>): void => undefined;
    const take = (capture: string, shipped: Shipped): void =>
      this.#give(shipped, (value) => {
        values[capture] = value;
        fill(values);
      });
    for (const capture of item.eager) {
      const shipped = item.captures.get(capture);
      if (shipped !== undefined) take(capture, shipped);
    }
    let setPrivates: (values: readonly unknown[]) => void = () => undefined;
    const made = wrapper.call(
      receiver,
      (setter) => {
        fill = setter;
        fill(values);
      },
      (setter) => {
        setPrivates = setter;
      },
    );
    const fn = (item.form === 'method' ? methodOf(made as object) : made) as AnyFunction;
    this.#values.set(item, fn);
    for (const [capture, shipped] of item.captures) if (!(capture in values)) take(capture, shipped);
    if (item.privates !== undefined) this.#privates(item.privates.values, setPrivates);
    this.#members(fn, item.own);
    if (item.prototype !== item.own) this.#members(Reflect.get(fn, 'prototype') as object, item.prototype);
    const named = item.own.properties.some(({ key }) => key === 'name');
    if (Object.getOwnPropertyDescriptor(fn, 'name')?.value !== item.name && !named) {
      Object.defineProperty(fn, 'name', { value: item.name, configurable: true });
    }
    keepWrapper(fn, wrapper);
    rememberOrigin(fn, item, isShared ? undefined : name);
    return fn;
  }

  #privates(values: readonly Shipped[], set: (values: readonly unknown[]) => void): void {
    const given: unknown[] = [];
    for (const [i, value] of values.entries())
      this.#give(value, (item) => {
        given[i] = item;
        set(given);
      });
  }

  /** Makes a function, or a prototype, as it was: properties first, as nothing can be added to what is frozen. */
  #members(holder: object | undefined, { properties, removed, integrity }: ShippedMembers): void {
    if (holder === undefined) return;
    for (const key of removed) Reflect.deleteProperty(holder, this.#key(key));
    for (const property of properties) {
      const { get, set, value } = property;
      const name = this.#key(property.key);
      const { enumerable, configurable, writable } = property;
      if (value !== undefined) {
        this.#give(value, (item) => define(holder, name, { value: item, enumerable, configurable, writable }));
      } else {
        // The text may make the half that was taken away.
        if (get === undefined || set === undefined) Reflect.deleteProperty(holder, name);
        for (const [part, shipped] of Object.entries({ get, set }))
          if (shipped) this.#give(shipped, (item) => define(holder, name, { [part]: item, enumerable, configurable }));
      }
    }
    if (integrity === undefined) return;
    this.#late.push(() => harden(holder, integrity));
  }

  #key(key: string | ShippedSymbol): string | symbol {
    return typeof key === 'string' ? key : (this.#make(key) as symbol);
  }
}

/** An object that shows what a module exports, and takes other values for some of it. */
function moduleOver(module: object): object {
  const over: object = Object.create(module) as object;
  for (const name of Object.keys(module)) {
    const get = (): unknown => Reflect.get(module, name);
    Object.defineProperty(over, name, { get, enumerable: true, configurable: true });
  }
  return over;
}

function harden(object: object, integrity: Integrity): void {
  if (integrity === 'frozen') Object.freeze(object);
  else if (integrity === 'sealed') Object.seal(object);
  else Object.preventExtensions(object);
}

/** Defines one property, or one half of an accessor whose other half stays. */
function define(holder: object, key: string | symbol, property: PropertyDescriptor): void {
  Reflect.defineProperty(holder, key, property);
}

/** The one method or accessor of an object literal. */
function methodOf(literal: object): unknown {
  const [key] = Reflect.ownKeys(literal);
  const { value, get, set } = Object.getOwnPropertyDescriptor(literal, key as string) ?? {};
  return (value as unknown) ?? get ?? set;
}

/** What Vite makes of `import()`. */
function viteImporter(parent: string): (specifier: string) => Promise<object> {
  return (specifier) =>
    importerOf(parent)(isBuiltin(specifier) ? specifier : toUrl(viteFile({ specifier, parent }) ?? specifier));
}

/** Stands in for the counters of a coverage tool: any property of it is itself, and counting changes nothing. */
const countNothing: unknown = new Proxy(() => undefined, {
  apply: () => countNothing,
  get: (_target, key) => (key === Symbol.toPrimitive ? () => 0 : countNothing),
  set: () => true,
});
