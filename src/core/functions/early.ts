import type { Located } from './locate.ts';
import { type Binding, type FunctionEntry, runsLater, type Scope, type Write, within } from './scope.ts';
import type { ScopeEntry } from './scope-chain.ts';
import type { Script } from './script.ts';
import { isLazyHelper } from './syntax.ts';

/** What tells whether a variable that holds `undefined` has been given its value. */
export interface EarlyContext {
  /** The functions on the way to the variable. */
  readonly trail: readonly Located[];
  /** The function that uses the variable. */
  readonly located: Located;
  /** Reads other variables that the function can see. */
  read(names: readonly string[]): ReadonlyMap<string, ScopeEntry>;
}

/** Before Node 22 V8 shows a variable in its temporal dead zone as `undefined`. */
const hidesDeadZone = Number.parseInt(process.versions.node, 10) < 22;

/** Initialisers that never give `undefined`. */
const certain: ReadonlySet<string> = new Set([
  'ArrowFunctionExpression',
  'FunctionExpression',
  'ClassExpression',
  'ObjectExpression',
  'ArrayExpression',
  'NewExpression',
  'TemplateLiteral',
]);

/** Whether a variable that holds `undefined` may yet be given another value. */
export function mayBeEarly(binding: Binding, context: EarlyContext): boolean {
  if (isLazyHelper(binding.scope.node)) return false;
  if (binding.kind === 'class') return true;
  const [write] = binding.writes;
  if (write === undefined) return false;
  if (write.initial) {
    if (givesValue(binding)) return true;
    if (binding.kind !== 'var' && !hidesDeadZone) return false;
  }
  const { script, whole } = context.located;
  if (!whole || isInLazyModule(write, binding.scope)) return true;
  const trail = context.trail.filter((step) => step.script === script);
  if (trail.some(({ entry }) => wasMadeAfter(entry, write, binding.scope))) return false;
  const home = functionAround(binding.scope);
  const places = runningAt(script, home);
  if (places.length > 0) return places.some((place) => place < write.end);
  return !hasEnded(home, script, trail) && !(write.initial && laterHasValue(binding, context));
}

function givesValue({ declarator }: Binding): boolean {
  const init = declarator?.id.type === 'Identifier' ? declarator.init : undefined;
  return init ? certain.has(init.type) || (init.type === 'Literal' && init.value !== undefined) : false;
}

/** Whether a function can only have been made after `write`: it stands below, and so does the function in `scope` that it is part of. */
function wasMadeAfter(entry: FunctionEntry, write: Write, scope: Scope): boolean {
  let outermost: Scope | undefined;
  let at: Scope | undefined = entry.scope;
  for (; at !== undefined && at !== scope; at = at.parent) if (at.deferred || at === entry.scope) outermost = at;
  return at === scope && outermost !== undefined && !isHoisted(outermost) && outermost.start >= write.end;
}

/** Whether `write` stands in a function that a bundler put around a module. */
function isInLazyModule(write: Write, scope: Scope): boolean {
  for (let at: Scope | undefined = write.scope; at !== undefined && at !== scope; at = at.parent) {
    if (at.kind === 'function') return true;
  }
  return false;
}

function isHoisted({ node }: Scope): boolean {
  return node.type === 'FunctionDeclaration';
}

/** The function that a scope belongs to, or the script. */
function functionAround(scope: Scope): Scope {
  let at = scope;
  while (!at.deferred && at.parent !== undefined) at = at.parent;
  return at;
}

/** Whether `home`, which is not running now, has come to its end. */
function hasEnded({ node, kind }: Scope, script: Script, trail: readonly Located[]): boolean {
  if (kind !== 'script') return !('async' in node && node.async) && !('generator' in node && node.generator);
  if (!script.isModule) return true;
  // A function that is not hoisted is made by the module's own code, which has begun, then, and waits for nothing.
  const { awaits, top } = script.analysis;
  return !awaits && trail.some(({ entry }) => !(isHoisted(entry.scope) && !runsLater(entry.scope.parent ?? top, top)));
}

/** Whether a variable of the same scope that is declared further down has a value already. */
function laterHasValue(binding: Binding, { read }: EarlyContext): boolean {
  const later = [...binding.scope.bindings.values()].filter(
    ({ kind, start }) => ['const', 'let', 'class'].includes(kind) && start > binding.start,
  );
  const values = read(later.map(({ name }) => name));
  return [...values.values()].some((entry) => entry.state === 'value' && !entry.global && entry.value !== undefined);
}

/** The offsets at which `home`'s own code is running in this thread now. */
function runningAt(script: Script, home: Scope): number[] {
  return callSites()
    .filter((site) => site.getScriptNameOrSourceURL() === script.url || site.getFileName() === script.url)
    .map((site) => script.offset((site.getLineNumber() ?? 1) - 1, (site.getColumnNumber() ?? 1) - 1))
    .filter((offset) => innermost(script, offset) === home);
}

function innermost(script: Script, offset: number): Scope {
  let found = script.analysis.top;
  for (const { scope } of script.analysis.functions) {
    if (scope.deferred && scope.start <= offset && offset < scope.end && within(scope, found)) found = scope;
  }
  return found;
}

function callSites(): readonly NodeJS.CallSite[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  let sites: readonly NodeJS.CallSite[] = [];
  try {
    Error.stackTraceLimit = Number.POSITIVE_INFINITY;
    Error.prepareStackTrace = (_error, found) => {
      sites = found;
    };
    void new Error('where').stack;
  } finally {
    Error.prepareStackTrace = prepareStackTrace as NonNullable<typeof prepareStackTrace>;
    Error.stackTraceLimit = stackTraceLimit;
  }
  return sites;
}
