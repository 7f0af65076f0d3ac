/**
 * What a function looks like on its way to a worker: plain data, so that any faithful structured clone can carry it.
 * Shared identity and cycles between these nodes matter; the codec keeps them.
 */

/** Any function or class. */
export type AnyFunction = Function;

/** A script that functions come from; those of one script share it. */
export interface ShippedFile {
  /** Its URL or path: stack traces show it, and imports resolve against it. */
  readonly url: string;
  /** Where its source map is, or the map itself as a data: URL, where the thread it comes from uses source maps. */
  readonly sourceMap: string | undefined;
}

/** A function or class: its source text and what it closes over. */
export interface ShippedFunction {
  readonly kind: 'function';
  /** The function's own name, which inference may have given it. */
  readonly name: string;
  /** What `Function.prototype.toString` gave, with `import.meta` replaced by a name among `captures`. */
  readonly source: string;
  /** Whether `source` is an expression, or a method or accessor that has to be put into an object literal. */
  readonly form: 'expression' | 'method';
  /** Whether the text stood in strict code. */
  readonly strict: boolean;
  readonly file: ShippedFile;
  /** Where `source` starts in `file`, counted from 0. */
  readonly line: number;
  readonly column: number;
  /** What the source's free names stand for. */
  readonly captures: Map<string, Shipped>;
  /** Those of `captures` that are needed to evaluate `source` itself: a superclass, what a static field computes. */
  readonly eager: readonly string[];
  /** Its own properties, apart from those that evaluating `source` makes as they are. */
  own: ShippedMembers;
  /** The same of its `prototype`. */
  prototype: ShippedMembers;
  /** The class that `this` means in `source`, which stood in a static field or block of it. */
  receiver: Shipped | undefined;
  /** Values of static private fields; `source` hands a setter for them to the function of this name. */
  readonly privates: { readonly setter: string; readonly values: Shipped[] } | undefined;
}

/** How a function, or the prototype of a class, differs from what its source makes. */
export interface ShippedMembers {
  readonly properties: ShippedProperty[];
  /** Properties that its source makes and that are gone. */
  readonly removed: readonly (string | ShippedSymbol)[];
  readonly integrity: Integrity | undefined;
}

/** One property as `Object.defineProperty` takes it. */
export interface ShippedProperty {
  readonly key: string | ShippedSymbol;
  readonly value: Shipped | undefined;
  readonly get: Shipped | undefined;
  readonly set: Shipped | undefined;
  readonly enumerable: boolean;
  readonly configurable: boolean;
  readonly writable: boolean;
}

/** What of an object can no longer change. */
export type Integrity = 'frozen' | 'sealed' | 'fixed';

/** A value that travels as it is, and the functions to put back into it: container, key, function. */
export interface ShippedData {
  readonly kind: 'data';
  readonly value: unknown;
  readonly patches: readonly ShippedPatch[];
}

/** One function inside captured data. `container` is an object, array, Map or Set reachable from the data; a Set needs no key. */
export interface ShippedPatch {
  readonly container: object;
  readonly key: unknown;
  readonly shipped: Shipped;
}

/** How compiled code reshapes a module it loaded; the names are those of the behaviours, not of the helpers. */
export type Interop = 'none' | 'default' | 'namespace' | 'namespace-node' | 'vite';

/** What a module exports; the worker loads the module for itself. */
export interface ShippedImport {
  readonly kind: 'import';
  readonly how: 'import' | 'require';
  readonly specifier: string;
  /** The script whose import this was. */
  readonly parent: string;
  readonly interop: Interop;
  /** The way from the module to the value; empty for the module itself. */
  readonly path: readonly string[];
}

/** A value every realm has, such as `Math.floor`, or that a built-in module exports. */
export interface ShippedIntrinsic {
  readonly kind: 'intrinsic';
  /** A built-in module, or `undefined` for the global object. */
  readonly module: string | undefined;
  readonly path: readonly string[];
}

/** What `promisify` or `callbackify` of `node:util` makes of a function. */
export interface ShippedAdapted {
  readonly kind: 'adapted';
  readonly adapter: 'promisify' | 'callbackify';
  readonly original: Shipped;
}

/** An instance of a class, made without its constructor. */
export interface ShippedInstance {
  readonly kind: 'instance';
  readonly of: Shipped;
  members: ShippedMembers;
}

/** A module namespace of which only the members in use travel. */
export interface ShippedNamespace {
  readonly kind: 'namespace';
  readonly members: Map<string, Shipped>;
  /** The module that has what is not among `members`. */
  readonly base: ShippedImport | undefined;
}

/** `Symbol.for(key)` or, when `wellKnown`, `Symbol[key]`. */
export interface ShippedSymbol {
  readonly kind: 'symbol';
  readonly key: string;
  readonly wellKnown: boolean;
}

/** What the defining file gives its code: `import.meta`, `require`, `import()`, a coverage counter that counts nothing, or a cache that keeps nothing. */
export interface ShippedAmbient {
  readonly kind: 'import.meta' | 'require' | 'dynamic import' | 'coverage' | 'no cache';
  readonly file: string;
}

/** Anything a free name can stand for. */
export type Shipped =
  | ShippedFunction
  | ShippedData
  | ShippedImport
  | ShippedIntrinsic
  | ShippedAdapted
  | ShippedInstance
  | ShippedNamespace
  | ShippedSymbol
  | ShippedAmbient;

/** Stands in a path for the property under which a function of Node's keeps its promise-returning twin. */
export const promisedMember = '@@promisify.custom';

/** The wrapper around every revived function is named so, followed by a number: capturing again in a worker looks for it. */
export const wrapperPrefix = '__mobula_';

/** Whether `name` is that of such a wrapper. */
export function isWrapperName(name: string): boolean {
  return /^__mobula_\d+$/.test(name);
}

/** Everything that `root` leads to, itself included. */
export function reachable(root: Shipped): Set<Shipped> {
  const seen = new Set([root]);
  // A Set walks over what is added during the walk.
  for (const item of seen) for (const part of partsOf(item)) seen.add(part);
  return seen;
}

function* partsOf(item: Shipped): Generator<Shipped> {
  switch (item.kind) {
    case 'function':
      yield* item.captures.values();
      yield* item.privates?.values ?? [];
      if (item.receiver !== undefined) yield item.receiver;
      yield* membersOf(item.own);
      yield* membersOf(item.prototype);
      break;
    case 'namespace':
      yield* item.members.values();
      if (item.base !== undefined) yield item.base;
      break;
    case 'instance':
      yield item.of;
      yield* membersOf(item.members);
      break;
    case 'adapted':
      yield item.original;
      break;
    case 'data':
      for (const { shipped } of item.patches) yield shipped;
      break;
    default:
      break;
  }
}

function* membersOf({ properties }: ShippedMembers): Generator<Shipped> {
  for (const { value, get, set } of properties) {
    for (const part of [value, get, set]) if (part !== undefined) yield part;
  }
}
