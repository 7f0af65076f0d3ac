import type { CallExpression, Expression, MemberExpression, Pattern, SpreadElement, VariableDeclarator } from 'acorn';
import type { Binding, Scope } from './scope.ts';
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
  if (!declarator?.init || binding.writes.length > 1) return undefined;
  const origin = expressionOrigin(declarator.init, binding.scope);
  const rest = origin && patternPath(declarator, binding);
  return origin && rest && { ...origin, path: [...origin.path, ...rest] };
}

/** Whether a variable is `createRequire(import.meta.url)`: a `require` of its own file. */
export function isOwnRequire(binding: Binding): boolean {
  const init = binding.declarator?.init;
  if (init?.type !== 'CallExpression' || binding.writes.length > 1) return false;
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
