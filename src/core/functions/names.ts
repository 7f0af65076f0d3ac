import { types } from 'node:util';
import { awaitsValue, type ImportOrigin, importOrigin, isOwnRequire, staleReason } from './bindings.ts';
import type { Capture } from './capture.ts';
import type { ScopeEntry } from './inspect.ts';
import type { Located } from './locate.ts';
import { loadsInWorker, vitePackage } from './modules.ts';
import { originOfName } from './origins.ts';
import { placeOf, type Step } from './problem.ts';
import type { Binding, FreeName } from './scope.ts';
import { isWrapperName, type Shipped, type ShippedAmbient } from './shipped.ts';

/** The function whose names are being captured. */
export interface NameContext {
  readonly capture: Capture;
  readonly located: Located;
  /** What V8 says its names stand for. */
  readonly values: ReadonlyMap<string, ScopeEntry>;
}

/** What Node (for CommonJS) and Vite pass into a script as parameters of a function around it. */
const ambientNames = new Map<string, ShippedAmbient['kind']>([
  ['require', 'require'],
  ['__vite_ssr_import_meta__', 'import.meta'],
  ['__vite_ssr_dynamic_import__', 'dynamic import'],
]);

/** Describes what a free name stands for; `undefined` for names every thread has. */
export function captureName(free: FreeName, context: NameContext): Shipped | undefined {
  const { binding } = free;
  const { capture, located } = context;
  const ambient = ambientNames.get(free.name);
  if (ambient !== undefined && (binding === undefined ? isWrapped(free, context) : binding.kind === 'param')) {
    return { kind: ambient, file: located.url };
  }
  if (binding === undefined) return captureUndeclared(free, context);
  const { script } = located;
  const step: Step = { name: free.name, place: placeOf(script, binding.start) };
  const wrapped = fromWrapper(binding);
  if (wrapped !== undefined) return wrapped;
  if (isOwnRequire(binding)) return { kind: 'require', file: located.url };
  if (/^cov_\w+$/.test(free.name) && binding.kind === 'function') return { kind: 'coverage', file: located.url };
  const origin = importOrigin(binding);
  if (origin !== undefined) {
    return importOf(origin, located.url) ?? byValue(free, origin, step, context);
  }
  const stale = staleReason(binding, located.range);
  if (stale !== undefined) throw capture.fail(step, stale);
  const value = initialised(context.values.get(free.name), binding, step, capture);
  return moduleLike(free, value) ? capture.members(value, membersOf(free, value), step) : capture.value(value, step);
}

/** A name the script does not declare: a global, or what Node or a test runner wraps around the script's text. */
function captureUndeclared(free: FreeName, { capture, values }: NameContext): Shipped | undefined {
  const entry = values.get(free.name);
  if (entry === undefined || (entry.state === 'value' && entry.global)) return undefined;
  const step: Step = { name: free.name, place: undefined };
  if (entry.state === 'uninitialised') throw notYet(capture, step);
  const { value } = entry;
  return moduleLike(free, value) ? capture.members(value, membersOf(free, value), step) : capture.value(value, step);
}

function isWrapped({ name }: FreeName, { values }: NameContext): boolean {
  const entry = values.get(name);
  return entry?.state === 'value' && !entry.global;
}

/** In a worker, what a function was sent with is sent on as it came. */
function fromWrapper({ scope, name }: Binding): Shipped | undefined {
  const { node } = scope;
  if (node.type !== 'FunctionExpression' || !('id' in node)) return undefined;
  const wrapper = (node.id as { readonly name: string } | null)?.name ?? '';
  return isWrapperName(wrapper) ? originOfName(wrapper, name) : undefined;
}

/** An import as a worker can make it, if it can. */
function importOf({ how, specifier, interop, path }: ImportOrigin, parent: string): Shipped | undefined {
  // Importing JSON takes an attribute, and JSON is data anyway.
  if (how === 'import' && specifier.endsWith('.json')) return undefined;
  if (how !== 'vite')
    return loadsInWorker({ specifier, parent }) ? { kind: 'import', how, specifier, parent, interop, path } : undefined;
  const outside = vitePackage({ specifier, parent });
  return outside === undefined
    ? undefined
    : { kind: 'import', how: 'import', specifier: outside, parent, interop: 'vite', path };
}

/** An import of a module that no worker can load: what is used of it travels instead. */
function byValue(free: FreeName, origin: ImportOrigin, step: Step, { capture, values }: NameContext): Shipped {
  const entry = values.get(free.name);
  if (entry?.state !== 'value') throw notYet(capture, step);
  const { value } = entry;
  if (origin.path.length === 0 && typeof value === 'object' && value !== null) {
    return capture.members(value, membersOf(free, value), step);
  }
  return capture.value(value, step);
}

/** The members of a module that are used; all of them where it is used in other ways. */
function membersOf({ references }: FreeName, value: object): Set<string> {
  const used = new Set<string>();
  for (const { member } of references) {
    if (member === undefined) return new Set(Object.keys(value));
    used.add(member);
  }
  return used;
}

/** Bundlers and `__esModule` code use one object for a whole module, which may hold far more than the function needs. */
function moduleLike({ references }: FreeName, value: unknown): value is object {
  if (types.isModuleNamespaceObject(value)) return true;
  if (typeof value !== 'object' || value === null || !references.every(({ member }) => member !== undefined))
    return false;
  if (Reflect.get(value, '__esModule') === true || Reflect.get(value, Symbol.toStringTag) === 'Module') return true;
  // webpack: `{ get: () => mobula.get, … }`, made of what the file imports.
  const members = Object.values(Object.getOwnPropertyDescriptors(value));
  return members.length > 0 && members.every((member) => member.get !== undefined);
}

function initialised(entry: ScopeEntry | undefined, binding: Binding, step: Step, capture: Capture): unknown {
  if (entry === undefined) {
    throw capture.fail(
      step,
      'is only used while the class is defined, and V8 does not keep its value',
      'Use it in a method of the class too.',
    );
  }
  if (entry.state === 'uninitialised') throw notYet(capture, step);
  if (entry.value === undefined && awaitsValue(binding)) throw notYet(capture, step);
  return entry.value;
}

function notYet(capture: Capture, step: Step): Error {
  return capture.fail(step, 'has no value yet', 'Call the function after the line that gives it one.');
}
