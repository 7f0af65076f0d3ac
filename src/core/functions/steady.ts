import { importOrigin } from './bindings.ts';
import type { FunctionFacts, FunctionLocation, Inspector } from './inspect.ts';
import { isWrapped } from './origins.ts';
import type { FreeName } from './scope.ts';
import type { ScopeEntry } from './scope-chain.ts';
import type { AnyFunction } from './shipped.ts';

interface Steady {
  readonly location: FunctionLocation;
  readonly values: ReadonlyMap<string, ScopeEntry>;
}

/** Functions all of whose variables were found to keep their values: V8 need not be asked again what these are. */
const known = new WeakMap<AnyFunction, Steady>();

/** What the inspector tells about a function; it is asked late, or not at all, where the function was described before. */
export function factsOf(inspector: Inspector, fn: AnyFunction): FunctionFacts {
  const steady = known.get(fn);
  if (steady === undefined) return inspector.look(fn);
  let facts: FunctionFacts | undefined;
  const look = (): FunctionFacts => {
    facts ??= inspector.look(fn);
    return facts;
  };
  return {
    location: steady.location,
    home: () => look().home(),
    surroundedBy: (words) => look().surroundedBy(words),
    privates: () => look().privates(),
    read: (names) => (names.every((name) => steady.values.has(name)) ? new Map(steady.values) : look().read(names)),
  };
}

/** Code that is typed later may assign what scripts share, unless their texts say otherwise. */
function isKept(entry: ScopeEntry | undefined): boolean {
  return entry?.state === 'value' && !entry.global && entry.shared !== true;
}

/** Remembers the values of a function's variables, once all of them have been described. Imports may follow their modules. */
export function rememberSteady(
  fn: AnyFunction,
  { location }: FunctionFacts,
  free: readonly FreeName[],
  values: ReadonlyMap<string, ScopeEntry>,
): void {
  if (location === undefined || known.has(fn)) return;
  const isSteady = ({ name, binding }: FreeName): boolean =>
    binding !== undefined && importOrigin(binding) === undefined && !isWrapped(binding) && isKept(values.get(name));
  if (free.every(isSteady)) known.set(fn, { location, values: new Map(values) });
}
