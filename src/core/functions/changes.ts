import {
  type Analysis,
  type Binding,
  type DirectEval,
  type Range,
  runsLater,
  type Scope,
  type Write,
} from './scope.ts';
import { isLazyHelper } from './syntax.ts';

/** Why a captured variable cannot be copied, and what to do about it. */
export interface Stale {
  readonly problem: string;
  readonly advice: string;
}

// Helpers of TypeScript, Babel and SWC that replace themselves when they are first called, always by something that does the same.
const selfDefining = new Set([
  '__assign',
  '_extends',
  '_typeof',
  'ownKeys',
  '_getPrototypeOf',
  '_setPrototypeOf',
  '_get_prototype_of',
  '_set_prototype_of',
]);

/** Declarations that give their variable a value without an assignment. */
const given: ReadonlySet<Binding['kind']> = new Set(['param', 'catch', 'function', 'class']);

/** Declarations whose variable no eval() is taken to assign. */
const fixed: ReadonlySet<Binding['kind']> = new Set(['const', 'import', 'self', 'function', 'class']);

const toArgument = 'Pass it as an argument, or take its value into a constant (`const copy = …`) and use that.';

/** Why a copy of a variable would go stale, or `undefined` where it stays true. `range` is the function that would take it along. */
export function staleReason(binding: Binding, range: Range, evals: Analysis['evals']): Stale | undefined {
  // A module whose code has run has no code left to run: the helper only gives its result.
  if (selfDefining.has(binding.name) || isLazyHelper(binding.scope.node)) return undefined;
  const writes = binding.writes.filter((write) => !countsRounds(binding, write));
  if (writes.some(({ start, initial }) => !initial && start >= range.start && start < range.end)) {
    return {
      problem: 'is assigned by the function itself; what it assigns in a worker would never come back',
      advice: 'Return the new value, or keep it in an actor.',
    };
  }
  const stale = (how: string): Stale => ({
    problem: `is assigned ${how}; its copy in a worker would go stale`,
    advice: toArgument,
  });
  if (writes.length + (given.has(binding.kind) ? 1 : 0) > 1) return stale('more than once');
  if (writes.some((write) => loopBetween(write.scope, binding.scope))) return stale('in a loop');
  if (writes.some((write) => runsLater(write.scope, binding.scope)))
    return stale('in another function, which may run at any time');
  if (!fixed.has(binding.kind) && !isCompiled(binding) && evals.some((call) => mayAssign(call, binding))) {
    return {
      problem: 'may be assigned by the eval() that sees it; its copy in a worker would go stale',
      advice: 'Make it a constant, pass it as an argument, or call eval as (0, eval)(code).',
    };
  }
  return undefined;
}

/**
 * Whether a `var` may be a constant that a compiler has made one. A compiler leaves no `let` or `const` beside it, apart from its own helpers, and
 * the `require` that is put at the head of bundles.
 */
function isCompiled({ name, kind, scope }: Binding): boolean {
  const isHelper = (other: string): boolean => other.startsWith('_') || other === 'require';
  const isWritten = (other: Binding): boolean =>
    (other.kind === 'let' || other.kind === 'const') && !isHelper(other.name);
  return kind === 'var' && (isHelper(name) || ![...scope.bindings.values()].some(isWritten));
}

/** Whether the code of an eval() may assign a variable that it sees. */
function mayAssign({ scope, code }: DirectEval, binding: Binding): boolean {
  if (scope.find(binding.name) !== binding) return false;
  // Pieces may make up the name only together.
  return (
    code === undefined ||
    [...code, code.join('')].some((text) => text.split(/[^\w$\u0080-\uffff]+/).includes(binding.name))
  );
}

/** Whether a variable of a module gets new values after the module's own code has run. */
export function changesLater(binding: Binding): boolean {
  return !selfDefining.has(binding.name) && binding.writes.some((write) => runsLater(write.scope, binding.scope));
}

/** `for (let i = 0; i < n; i++)` gives every round an `i` of its own; only the head counts it on. */
function countsRounds({ kind, scope }: Binding, { start, initial, scope: from }: Write): boolean {
  const { node } = scope;
  if (initial || kind !== 'let' || node.type !== 'ForStatement' || !('body' in node)) return false;
  return start < (node.body as Range).start && !runsLater(from, scope);
}

function loopBetween(from: Scope, to: Scope): boolean {
  for (let scope: Scope | undefined = from; scope !== undefined && scope !== to; scope = scope.parent) {
    if (scope.kind === 'loop') return true;
  }
  return false;
}
