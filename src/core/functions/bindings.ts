import type { CallExpression, Expression, MemberExpression, Pattern, SpreadElement, VariableDeclarator } from 'acorn';
import type { Binding, Range, Scope } from './scope.ts';
import type { Interop } from './shipped.ts';

/** A module a name was imported from. */
export interface ImportOrigin {
  readonly how: 'import' | 'require' | 'vite';
  readonly specifier: string;
  readonly interop: Interop;
  readonly path: readonly string[];
}

const viteImports = new Set(['__vi_import__', '__vite_ssr_import__', '__vite_ssr_dynamic_import__']);

/** What compiled code wraps around `require`: esbuild, TypeScript, Babel and SWC. */
const interops = new Map<string, Interop>([
  ['__toESM', 'namespace'],
  ['__importStar', 'namespace'],
  ['__importDefault', 'default'],
  ['_interop_require_wildcard', 'namespace'],
  ['_interop_require_default', 'default'],
  ['_interopRequireWildcard', 'namespace'],
  ['_interopRequireDefault', 'default'],
]);

/** Where a binding was imported from, if it was: by an import declaration, `require`, or an awaited `import()`. */
export function importOrigin(binding: Binding): ImportOrigin | undefined {
  if (binding.imported !== undefined) {
    const { declaration, name } = binding.imported;
    const specifier = String(declaration.source.value);
    return { how: 'import', specifier, interop: 'none', path: name === '*' ? [] : [name] };
  }
  const { declarator } = binding;
  if (!declarator?.init || writesOf(binding) > 1) return undefined;
  const origin = expressionOrigin(declarator.init, binding.scope);
  const rest = origin && patternPath(declarator, binding);
  return origin && rest && { ...origin, path: [...origin.path, ...rest] };
}

/** Whether a variable is `createRequire(import.meta.url)`: a `require` of its own file. */
export function isOwnRequire(binding: Binding): boolean {
  const init = binding.declarator?.init;
  if (init?.type !== 'CallExpression' || writesOf(binding) > 1) return false;
  const { callee } = init;
  const name =
    callee.type === 'Identifier'
      ? callee.name
      : callee.type === 'MemberExpression' && callee.property.type === 'Identifier'
        ? callee.property.name
        : '';
  const argument = init.arguments[0];
  return (
    name === 'createRequire' &&
    ((argument?.type === 'Identifier' && argument.name === '__filename') ||
      (argument?.type === 'MemberExpression' &&
        argument.object.type === 'MetaProperty' &&
        argument.property.type === 'Identifier' &&
        ['url', 'filename'].includes(argument.property.name)))
  );
}

function expressionOrigin(expression: Expression, scope: Scope): ImportOrigin | undefined {
  switch (expression.type) {
    case 'Identifier': {
      // `const { join } = path`, where `path` is an import.
      const source = scope.find(expression.name);
      return source && importOrigin(source);
    }
    case 'AwaitExpression':
      return awaitedOrigin(expression.argument);
    case 'MemberExpression':
      return memberOrigin(expression, scope);
    case 'CallExpression':
      return callOrigin(expression, scope);
    default:
      return undefined;
  }
}

function memberOrigin({ object, property, computed }: MemberExpression, scope: Scope): ImportOrigin | undefined {
  if (computed || object.type === 'Super' || property.type !== 'Identifier') return undefined;
  const origin = expressionOrigin(object, scope);
  return origin && { ...origin, path: [...origin.path, property.name] };
}

function callOrigin({ callee, arguments: [argument, mode] }: CallExpression, scope: Scope): ImportOrigin | undefined {
  if (callee.type !== 'Identifier' || argument === undefined || argument.type === 'SpreadElement') return undefined;
  const local = scope.find(callee.name);
  if (callee.name === 'require' && (local === undefined || isOwnRequire(local))) {
    const specifier = literalText(argument);
    return specifier === undefined ? undefined : { how: 'require', specifier, interop: 'none', path: [] };
  }
  const interop = interops.get(callee.name);
  const inner = interop && expressionOrigin(argument, scope);
  if (!interop || inner?.how !== 'require' || inner.path.length > 0) return undefined;
  const isNodeMode = interop === 'namespace' && mode !== undefined && callee.name === '__toESM';
  return { ...inner, interop: isNodeMode ? 'namespace-node' : interop };
}

function awaitedOrigin(expression: Expression): ImportOrigin | undefined {
  if (expression.type === 'ImportExpression') return originOfSource('import', expression.source);
  if (expression.type !== 'CallExpression' || expression.callee.type !== 'Identifier') return undefined;
  return viteImports.has(expression.callee.name) ? originOfSource('vite', expression.arguments[0]) : undefined;
}

function originOfSource(
  how: ImportOrigin['how'],
  source: Expression | SpreadElement | undefined,
): ImportOrigin | undefined {
  const specifier = source && source.type !== 'SpreadElement' ? literalText(source) : undefined;
  return specifier === undefined ? undefined : { how, specifier, interop: 'none', path: [] };
}

function literalText(expression: Expression): string | undefined {
  return expression.type === 'Literal' && typeof expression.value === 'string' ? expression.value : undefined;
}

/** How a declarator's pattern gets from the value to the binding: `const { a: { b } } = …` is `['a', 'b']`. */
function patternPath(declarator: VariableDeclarator, binding: Binding): string[] | undefined {
  const walk = (pattern: Pattern): string[] | undefined => {
    if (pattern.type === 'Identifier') return pattern.start === binding.start ? [] : undefined;
    if (pattern.type !== 'ObjectPattern') return undefined;
    for (const property of pattern.properties) {
      if (property.type !== 'Property' || property.computed || property.key.type !== 'Identifier') continue;
      const rest = walk(property.value);
      if (rest !== undefined) return [property.key.name, ...rest];
    }
    return undefined;
  };
  return walk(declarator.id);
}

function writesOf(binding: Binding): number {
  return binding.writes.length;
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

/** Why a copy of a variable would go stale, or `undefined` where it stays true. `range` is the function that would take it along. */
export function staleReason(binding: Binding, range: Range): string | undefined {
  if (selfDefining.has(binding.name)) return undefined;
  const inHead = (start: number): boolean => {
    // `for (let i = 0; i < n; i++)` gives every round an `i` of its own; only the head counts it on.
    const loop = binding.scope.node;
    return (
      binding.kind === 'let' && loop.type === 'ForStatement' && 'body' in loop && start < (loop.body as Range).start
    );
  };
  const writes = binding.writes.filter(({ start, initial }) => initial || !inHead(start));
  if (writes.some(({ start, initial }) => !initial && start >= range.start && start < range.end)) {
    return 'is assigned by the function itself; what it assigns in a worker would never come back';
  }
  const given =
    binding.kind === 'param' || binding.kind === 'catch' || binding.kind === 'function' || binding.kind === 'class'
      ? 1
      : 0;
  if (writes.length + given > 1) return 'is assigned more than once; its copy in a worker would go stale';
  if (writes.some((write) => loopBetween(write.scope, binding.scope))) {
    return 'is assigned in a loop; its copy in a worker would go stale';
  }
  return undefined;
}

/** Whether a variable that holds `undefined` has certainly not been given its value yet. */
export function awaitsValue(binding: Binding): boolean {
  if (binding.kind === 'class') return true;
  const [write] = binding.writes;
  if (write !== undefined && !write.initial) return binding.kind === 'let' || binding.kind === 'var';
  const { declarator } = binding;
  if (declarator?.id.type !== 'Identifier' || !declarator.init) return false;
  const { init } = declarator;
  return (
    [
      'ArrowFunctionExpression',
      'FunctionExpression',
      'ClassExpression',
      'ObjectExpression',
      'ArrayExpression',
      'NewExpression',
      'TemplateLiteral',
    ].includes(init.type) ||
    (init.type === 'Literal' && init.value !== undefined)
  );
}

function loopBetween(from: Scope, to: Scope): boolean {
  for (let scope: Scope | undefined = from; scope !== undefined && scope !== to; scope = scope.parent) {
    if (scope.kind === 'loop') return true;
  }
  return false;
}
