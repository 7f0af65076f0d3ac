import { types } from 'node:util';
import { importOrigin, isOwnRequire } from './bindings.ts';
import { staleReason } from './changes.ts';
import { mayBeEarly } from './early.ts';
import { captureImported } from './imported.ts';
import { refuseLateImports } from './late-imports.ts';
import { membersOf, type NameContext, notYet } from './name-context.ts';
import { originOfName, wrapperOf } from './origins.ts';
import { placeOf, type Step } from './problem.ts';
import type { Binding, FreeName } from './scope.ts';
import type { ScopeEntry } from './scope-chain.ts';
import { isScriptVariable, isTyped, ofPrompt, refuseOtherScript } from './script-variables.ts';
import type { Shipped, ShippedAmbient } from './shipped.ts';

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
    if (ambient === 'dynamic import') refuseLateImports(free, context);
    return { kind: ambient, file: located.url };
  }
  if (binding === undefined) return captureUndeclared(free, context);
  const { script } = located;
  const step: Step = { name: free.name, place: placeOf(script, binding.start) };
  const wrapped = fromWrapper(binding);
  if (wrapped !== undefined) return wrapped;
  if (isOwnRequire(binding)) return { kind: 'require', file: located.url };
  if (/^cov_\w+$/.test(free.name) && binding.kind === 'function') return { kind: 'coverage', file: located.url };
  // Helper of Babel and SWC that keeps what it has wrapped; it may keep nothing.
  if (free.name === '_getRequireWildcardCache' && binding.kind === 'function') {
    return { kind: 'no cache', file: located.url };
  }
  const origin = importOrigin(binding);
  if (origin !== undefined) return captureImported(free, binding, origin, step, context);
  const entry = context.values.get(free.name);
  const value = wrapperOf(binding) === undefined ? steady(entry, binding, step, context) : givenIn(entry);
  return moduleLike(free, value) ? capture.members(value, membersOf(free, value), step) : capture.value(value, step);
}

/** A name the script does not declare: a global, or what Node or a test runner wraps around the script's text. */
function captureUndeclared(free: FreeName, { capture, values, located }: NameContext): Shipped | undefined {
  const entry = values.get(free.name);
  if (entry === undefined) return undefined;
  if (entry.state === 'value' && entry.global && !isScriptVariable(free.name)) {
    return isTyped(located.url) ? ofPrompt(free.name, entry.value) : undefined;
  }
  const step: Step = { name: free.name, place: undefined };
  if (entry.state === 'uninitialised') throw notYet(capture, step);
  refuseOtherScript(step, entry, located, capture);
  const { value } = entry;
  return moduleLike(free, value) ? capture.members(value, membersOf(free, value), step) : capture.value(value, step);
}

function isWrapped({ name }: FreeName, { values }: NameContext): boolean {
  const entry = values.get(name);
  return entry?.state === 'value' && !entry.global;
}

/** In a worker, what a function was sent with is sent on as it came. */
function fromWrapper(binding: Binding): Shipped | undefined {
  const wrapper = wrapperOf(binding);
  return wrapper === undefined ? undefined : originOfName(wrapper, binding.name);
}

/** What a variable of a wrapper holds. */
function givenIn(entry: ScopeEntry | undefined): unknown {
  return entry?.state === 'value' ? entry.value : undefined;
}

/** Bundlers and `__esModule` code use one object for a whole module, which may hold far more than the function needs. */
function moduleLike({ references }: FreeName, value: unknown): value is object {
  if (types.isModuleNamespaceObject(value)) return true;
  if (typeof value !== 'object' || value === null || !references.every(({ member }) => member !== undefined))
    return false;
  if (Reflect.get(value, '__esModule') === true || Reflect.get(value, Symbol.toStringTag) === 'Module') return true;
  // webpack: `{ get: () => mobula.get, … }`, made of what the file imports.
  // What bundlers wrap around a CommonJS module has `default` beside them.
  const members = Object.entries(Object.getOwnPropertyDescriptors(value));
  return members.length > 0 && members.every(([name, { get }]) => get !== undefined || isDefault(name, value));
}

/** The value of a variable that will keep it. */
function steady(entry: ScopeEntry | undefined, binding: Binding, step: Step, context: NameContext): unknown {
  const { capture, located, read } = context;
  const stale = staleReason(binding, located.range, located.script.analysis.evals);
  if (stale !== undefined) throw capture.fail(step, stale.problem, stale.advice);
  if (entry === undefined) {
    throw capture.fail(
      step,
      'is only used while the class is defined, and V8 does not keep its value',
      'Use it in a method of the class too.',
    );
  }
  if (entry.state === 'uninitialised') throw notYet(capture, step);
  if (entry.value === undefined && mayBeEarly(binding, { trail: capture.trail, located, read })) {
    throw capture.fail(
      step,
      'has no value yet',
      'Call the function after the line that gives it one. If it is to hold undefined, declare it as a constant above the function.',
    );
  }
  return entry.value;
}

function isDefault(name: string, wrapper: object): boolean {
  const module: unknown = Reflect.get(wrapper, 'default');
  if ((typeof module !== 'object' && typeof module !== 'function') || module === null) return false;
  return name === 'default' && Object.getPrototypeOf(wrapper) === Object.getPrototypeOf(module);
}
