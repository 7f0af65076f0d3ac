import { isBuiltin } from 'node:module';
import { Script } from 'node:vm';
import { follow, importerOf, loadImport, metaOf, requireOf, scriptOptions } from './imports.ts';
import { toUrl, viteFile } from './modules.ts';
import { rememberOrigin } from './origins.ts';
import {
  type AnyFunction,
  reachable,
  type Shipped,
  type ShippedFunction,
  type ShippedImport,
  wrapperPrefix,
} from './shipped.ts';
import { adoptSourceMap } from './source-maps.ts';
import { putInto } from './values.ts';

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

/** Evaluates the wrapper: hands out a setter for the captured names, then makes the function. */
type Wrapper = (handOut: (fill: (values: Record<string, unknown>) => void) => void) => unknown;

let wrappers = 0;

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
        const namespace = {};
        this.#values.set(item, namespace);
        for (const [name, member] of item.members) this.#give(member, (value) => putInto(namespace, name, value));
        return namespace;
      }
      case 'intrinsic':
        return follow(item.module === undefined ? globalThis : process.getBuiltinModule(item.module), item.path);
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
      case 'import':
        throw new Error(`the module ${item.specifier} was not loaded`);
    }
  }

  #function(item: ShippedFunction): AnyFunction {
    this.#begun.add(item);
    wrappers += 1;
    const name = `${wrapperPrefix}${wrappers}`;
    const wrapper = compile(item, name);
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
    const made = wrapper.call(undefined, (setter) => {
      fill = setter;
      fill(values);
    });
    const fn = (item.form === 'method' ? methodOf(made as object) : made) as AnyFunction;
    this.#values.set(item, fn);
    for (const [capture, shipped] of item.captures) if (!(capture in values)) take(capture, shipped);
    // A class may freeze itself in a static block.
    const props = Object.isFrozen(fn) ? [] : item.props;
    for (const [key, shipped] of props) this.#give(shipped, (value) => putInto(fn, key, value));
    for (const [key, shipped] of item.methods)
      this.#give(shipped, (value) => putInto(Reflect.get(fn, 'prototype') as object, key, value));
    if (Object.getOwnPropertyDescriptor(fn, 'name')?.value !== item.name && !item.props.has('name')) {
      Object.defineProperty(fn, 'name', { value: item.name, configurable: true });
    }
    rememberOrigin(fn, item, name);
    return fn;
  }
}

/** Compiles a function's source so that stack traces show the file, line and column it came from. */
function compile(item: ShippedFunction, name: string): Wrapper {
  const names = [...item.captures.keys()].join(', ');
  const variables =
    names === '' ? '' : `let ${names}; ${name}_fill((${name}_values) => { ({ ${names} } = ${name}_values); }); `;
  const before = `(function ${name}(${name}_fill) { ${item.strict ? "'use strict'; " : ''}${variables}return (${item.form === 'method' ? '{' : ''}`;
  const after = `${item.form === 'method' ? '}' : ''}); })`;
  adoptSourceMap(item.file);
  const script = new Script(before + item.source + after, {
    ...scriptOptions(item.file.url),
    lineOffset: item.line,
    columnOffset: item.column - before.length,
  });
  return script.runInThisContext() as Wrapper;
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
