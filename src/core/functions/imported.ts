import { createRequire, isBuiltin } from 'node:module';
import { types } from 'node:util';
import { CaptureError } from '../../common/errors.ts';
import type { ImportOrigin } from './bindings.ts';
import type { Capture } from './capture-context.ts';
import { isPackageFile, resolveModule } from './exports.ts';
import { follow } from './imports.ts';
import { propertyChanges } from './live-properties.ts';
import { loadsInWorker, resolveFile, toUrl, vitePackage } from './modules.ts';
import { membersOf, type NameContext, notYet } from './name-context.ts';
import { changeOf } from './patched.ts';
import type { Step } from './problem.ts';
import type { Binding, FreeName } from './scope.ts';
import type { AnyFunction, Shipped, ShippedImport } from './shipped.ts';

/**
 * Describes a name that was imported. Functions, classes and namespaces travel as the way to them, by which the worker imports them for itself;
 * data is copied as it is now, for a module that is loaded again would compute it again.
 */
export function captureImported(
  free: FreeName,
  binding: Binding,
  origin: ImportOrigin,
  step: Step,
  context: NameContext,
): Shipped {
  return new Imported(free, binding, origin, step, context).describe();
}

class Imported {
  readonly #free: FreeName;
  readonly #origin: ImportOrigin;
  readonly #step: Step;
  readonly #context: NameContext;
  readonly #capture: Capture;
  /** The name follows the module's own variable; otherwise it is a constant of the file that imports. */
  readonly #isLive: boolean;
  /** The module, if it is a source file of the user's own. */
  readonly #file: string | undefined;
  readonly #way: ShippedImport | undefined;

  constructor(free: FreeName, binding: Binding, origin: ImportOrigin, step: Step, context: NameContext) {
    this.#free = free;
    this.#origin = origin;
    this.#step = step;
    this.#context = context;
    this.#capture = context.capture;
    this.#isLive = binding.imported !== undefined;
    this.#file = resolveModule(origin.specifier, context.located.url);
    this.#way = ownWay(origin, context) ?? importOf(origin, context.located.url);
  }

  describe(): Shipped {
    const entry = this.#context.values.get(this.#free.name);
    // V8 keeps no name that only `extends` uses.
    if (entry === undefined && this.#way !== undefined) return this.#way;
    if (entry === undefined || entry.state === 'uninitialised') throw notYet(this.#capture, this.#step);
    const { value } = entry;
    if (isBuiltin(this.#origin.specifier)) return this.#builtin(value);
    if (this.#isModule(value)) return this.#module(value);
    const [name] = this.#origin.path;
    if (this.#isLive && name !== undefined && this.#changes(name)) throw this.#refuseChanging(this.#step);
    return this.#export(value, this.#step, this.#way, name);
  }

  /** Node's own modules travel by name, data too: a thread has a `threadId` of its own. A constant made of it is copied. */
  #builtin(value: unknown): Shipped {
    if (this.#isLive && this.#way !== undefined) return this.#way;
    const { specifier, path } = this.#origin;
    const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
    if (!isObject || this.#way === undefined) return this.#capture.value(value, this.#step);
    const module: unknown = process.getBuiltinModule(specifier);
    const rest = path[0] === 'default' ? path.slice(1) : path;
    return path.length === 0 || follow(module, rest) === value ? this.#way : this.#capture.value(value, this.#step);
  }

  /** One export of the module, or one of its members. */
  #export(value: unknown, step: Step, way: ShippedImport | undefined, name: string | undefined): Shipped {
    if (typeof value === 'function') return this.#function(value, step, way, name);
    if (way === undefined || typeof value !== 'object' || value === null) return this.#capture.value(value, step);
    if (isForeign(value, this.#file)) {
      const copy = holdsFunctions(value) ? undefined : this.#copyOf(value, step);
      return copy ?? this.#load(way);
    }
    const copy = this.#copyOf(value, step);
    if (copy === undefined) return this.#load(way);
    if (this.#file !== undefined && name !== undefined) this.#capture.copied({ file: this.#file, name }, step);
    return copy;
  }

  /** The data as it is; `undefined` for what cannot be copied: a class instance that a module exports is each worker's own. */
  #copyOf(value: object, step: Step): Shipped | undefined {
    try {
      return this.#capture.attempt(() => this.#capture.value(value, step));
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      return undefined;
    }
  }

  #function(value: AnyFunction, step: Step, way: ShippedImport | undefined, name: string | undefined): Shipped {
    if (way === undefined || this.#capture.isPortable(value)) return this.#capture.value(value, step);
    if (!this.#stands(value, way, name)) return this.#capture.value(value, step);
    const change = changeOf(value, this.#capture, this.#file);
    if (change !== undefined) {
      throw this.#capture.fail(
        step,
        `was changed after its module had made it (${change}); a worker imports it unchanged`,
        `Make the change in the module itself ('${way.specifier}'), so that a worker makes it too.`,
      );
    }
    return this.#capture.imported(value, this.#load(way));
  }

  /** Whether a function is what its module gives every thread at the end of `way`. */
  #stands(value: AnyFunction, way: ShippedImport, name: string | undefined): boolean {
    if (this.#isLive && way.path.length === 1) return true;
    if (name !== undefined && this.#changes(name)) return false;
    const raw = this.#exports();
    // What an ES module imports of CommonJS is in `default`, and much of it also beside that.
    const path = this.#origin.how === 'import' && way.path[0] === 'default' ? way.path.slice(1) : way.path;
    if (raw !== undefined && this.#origin.interop === 'none' && follow(raw, path) !== value) return false;
    // A property of an exported object: anybody may have set it.
    const isProperty = path.length > 1 && this.#file !== undefined;
    return !isProperty || this.#capture.comesFrom(value, this.#file as string);
  }

  #load(way: ShippedImport): ShippedImport {
    if (this.#file !== undefined) this.#capture.loaded(this.#file);
    return way;
  }

  // ---- whole modules ---------------------------------------------------------------------------------------------

  /** Whether a value is a module: its namespace, or what a CommonJS module exports. */
  #isModule(value: unknown): value is object {
    if (typeof value !== 'object' || value === null) return false;
    if (types.isModuleNamespaceObject(value)) return true;
    const { path, specifier } = this.#origin;
    if (specifier.endsWith('.json')) return false;
    return path.length === 0 || (path.length === 1 && path[0] === 'default' && value === this.#exports());
  }

  /** What the module exports, if it is a CommonJS module that is loaded. */
  #exports(): unknown {
    const { specifier } = this.#origin;
    const file = this.#file ?? resolveFile({ specifier, parent: this.#context.located.url });
    const { cache } = createRequire(toUrl(file ?? import.meta.url));
    return file === undefined ? undefined : cache[file]?.exports;
  }

  #module(module: object): Shipped {
    const isWhole = this.#free.references.some(({ member }) => member === undefined);
    return this.#members(module, membersOf(this.#free, module), isWhole, this.#step, this.#way);
  }

  /** Some members of a module: data is copied over what the worker imports. */
  #members(
    module: object,
    names: ReadonlySet<string>,
    isWhole: boolean,
    outer: Step,
    way: ShippedImport | undefined,
  ): Shipped {
    const data = new Map<string, Shipped>();
    let loads = false;
    for (const name of names) {
      if (!(name in module)) continue;
      const step: Step = { name: `${outer.name}.${name}`, place: outer.place };
      if (this.#memberChanges(module, name)) throw this.#refuseChanging(step);
      const memberWay = way && { ...way, path: [...way.path, name] };
      const member = this.#member(Reflect.get(module, name), step, memberWay, name);
      if (member === memberWay) loads = true;
      else data.set(name, member);
    }
    if (way === undefined) return { kind: 'namespace', members: data, base: undefined };
    if (data.size === 0 || (isWhole && this.#file === undefined)) return this.#load(way);
    return { kind: 'namespace', members: data, base: loads || isWhole ? this.#load(way) : undefined };
  }

  #member(value: unknown, step: Step, way: ShippedImport | undefined, name: string): Shipped {
    // Compiled code finds all that a CommonJS module exports in `default`.
    return name === 'default' && typeof value === 'object' && value !== null && value === this.#exports()
      ? this.#members(value, new Set(Object.keys(value)), true, step, way)
      : this.#export(value, step, way, name);
  }

  #refuseChanging(step: Step): CaptureError {
    return this.#capture.fail(
      step,
      `may get another value while the program runs: '${this.#origin.specifier}' assigns it in a function; its copy in a worker would go stale`,
      `Pass it as an argument, or have '${this.#origin.specifier}' export a function that returns it, and call that.`,
    );
  }

  #changes(name: string): boolean {
    return this.#file !== undefined && this.#capture.sources.changes({ file: this.#file, name });
  }

  #memberChanges(module: object, name: string): boolean {
    if (types.isModuleNamespaceObject(module)) return this.#changes(name);
    const raw = this.#exports();
    const owner = typeof raw === 'object' && raw !== null && Object.hasOwn(raw, name) ? raw : module;
    if (propertyChanges(owner, name, this.#capture)) return true;
    return this.#file !== undefined && this.#capture.sources.propertyChanges({ file: this.#file, name });
  }
}

/** The way to an export of mobula itself. */
function ownWay({ specifier, path }: ImportOrigin, { capture, located }: NameContext): ShippedImport | undefined {
  if (/^[./]/.test(specifier) || isBuiltin(specifier)) return undefined;
  const file = resolveFile({ specifier, parent: located.url });
  const url = file === undefined ? undefined : capture.ownModule(file);
  if (url === undefined) return undefined;
  return { kind: 'import', how: 'import', specifier: url, parent: url, interop: 'none', path };
}

/** An import as a worker can make it, if it can. */
function importOf({ how, specifier, interop, path }: ImportOrigin, parent: string): ShippedImport | undefined {
  // Importing JSON takes an attribute, and JSON is data anyway.
  if (how === 'import' && specifier.endsWith('.json')) return undefined;
  if (how !== 'vite')
    return loadsInWorker({ specifier, parent }) ? { kind: 'import', how, specifier, parent, interop, path } : undefined;
  const outside = vitePackage({ specifier, parent });
  return outside === undefined
    ? undefined
    : { kind: 'import', how: 'import', specifier: outside, parent, interop: 'vite', path };
}

/** Whether an object belongs to a package, whose objects may lead to anything. */
function isForeign(value: object, file: string | undefined): boolean {
  return file === undefined || isPackageFile(file) || types.isProxy(value);
}

function holdsFunctions(value: object): boolean {
  const seen = new Set<object>([value]);
  for (const item of seen) {
    for (const child of types.isMap(item) || types.isSet(item) ? item.values() : Object.values(item)) {
      if (typeof child === 'function' || seen.size > 10_000) return true;
      if (typeof child === 'object' && child !== null) seen.add(child);
    }
  }
  return false;
}
