import type {
  AnyNode,
  ArrowFunctionExpression,
  AssignmentExpression,
  CallExpression,
  FunctionExpression,
  Node,
  Pattern,
} from 'acorn';

/** The names a pattern declares, with where each stands. */
export function* patternNames(pattern: Pattern): Generator<{ name: string; start: number }> {
  switch (pattern.type) {
    case 'Identifier':
      yield pattern;
      break;
    case 'ObjectPattern':
      for (const property of pattern.properties) {
        yield* patternNames(property.type === 'Property' ? property.value : property.argument);
      }
      break;
    case 'ArrayPattern':
      for (const element of pattern.elements) if (element !== null) yield* patternNames(element);
      break;
    case 'AssignmentPattern':
      yield* patternNames(pattern.left);
      break;
    case 'RestElement':
      yield* patternNames(pattern.argument);
      break;
    case 'MemberExpression':
      break;
  }
}

/** The literals that expressions are made of, in any way; `undefined` where they are made of anything else. */
export function literalTexts(nodes: readonly AnyNode[]): string[] | undefined {
  const texts: string[] = [];
  for (const node of nodes) {
    const parts = literalParts(node);
    if (parts === undefined) return undefined;
    texts.push(...parts);
  }
  return texts;
}

function literalParts(node: AnyNode): string[] | undefined {
  switch (node.type) {
    case 'Literal':
      return [String(node.value)];
    case 'TemplateLiteral': {
      const rest = literalTexts(node.expressions);
      return rest && [...node.quasis.map(({ value }) => value.raw), ...rest];
    }
    case 'BinaryExpression':
      return literalTexts([node.left, node.right]);
    case 'CallExpression': {
      const { callee } = node;
      return callee.type === 'MemberExpression' ? literalTexts([callee.object, ...node.arguments]) : undefined;
    }
    default:
      return undefined;
  }
}

/** The expressions inside a pattern: defaults, computed keys, and members that are assigned to. */
export function* patternExpressions(pattern: Pattern): Generator<AnyNode> {
  switch (pattern.type) {
    case 'ObjectPattern':
      for (const property of pattern.properties) {
        if (property.type === 'Property' && property.computed) yield property.key;
        yield* patternExpressions(property.type === 'Property' ? property.value : property.argument);
      }
      break;
    case 'ArrayPattern':
      for (const element of pattern.elements) if (element !== null) yield* patternExpressions(element);
      break;
    case 'AssignmentPattern':
      yield* patternExpressions(pattern.left);
      yield pattern.right;
      break;
    case 'RestElement':
      yield* patternExpressions(pattern.argument);
      break;
    case 'MemberExpression':
      yield pattern;
      break;
    case 'Identifier':
      break;
  }
}

/** Whether a body starts with 'use strict'. */
export function hasUseStrict(body: readonly AnyNode[]): boolean {
  for (const node of body) {
    if (node.type !== 'ExpressionStatement' || node.directive === undefined) return false;
    if (node.directive === 'use strict') return true;
  }
  return false;
}

/** The name an import or export specifier says. */
export function exportName(
  node: { readonly type: 'Identifier'; readonly name: string } | { readonly type: 'Literal'; readonly value?: unknown },
): string {
  return node.type === 'Identifier' ? node.name : String(node.value);
}

/** The variable that a chain such as `name.a.b` starts from, and the way from there; `*` for what is no plain name. */
export function memberRoot(node: AnyNode): { readonly name: string; readonly path: readonly string[] } | undefined {
  const path: string[] = [];
  for (let at = node; ; ) {
    if (at.type === 'Identifier') return { name: at.name, path: path.reverse() };
    if (at.type === 'ChainExpression') at = at.expression;
    else if (at.type === 'MemberExpression') {
      path.push(!at.computed && at.property.type === 'Identifier' ? at.property.name : '*');
      at = at.object;
    } else return undefined;
  }
}

/** Methods of arrays, Maps and Sets that change them. */
const changing = new Set('add clear copyWithin delete fill pop push reverse set shift sort splice unshift'.split(' '));

/** What a call changes, as far as its text tells: `x` in `x.push(1)` and in `Object.assign(x, …)`. */
export function changedTarget({ callee, arguments: [first] }: CallExpression): AnyNode | undefined {
  if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return undefined;
  const { object, property } = callee;
  if (object.type === 'Identifier' && ['Object', 'Reflect'].includes(object.name)) {
    return /^(?:assign|set|define|delete)/.test(property.name) ? first : undefined;
  }
  return changing.has(property.name) ? object : undefined;
}

/**
 * Whether a function is `__esm` or `__commonJS`, by which esbuild and Rolldown put off the code of a module, whatever they are called once minified:
 * `(fn, res) => () => (fn && (res = fn(fn = 0)), res)` and `(cb, mod) => () => (mod || cb((mod = { exports: {} }).exports, mod), mod.exports)`.
 */
export function isLazyHelper(node: Node | null | undefined): boolean {
  if (node?.type !== 'ArrowFunctionExpression' && node?.type !== 'FunctionExpression') return false;
  const { params, body } = node as ArrowFunctionExpression | FunctionExpression;
  const names = params.flatMap((param) => (param.type === 'Identifier' ? [param.name] : []));
  if (params.length < 2 || params.length > 3 || names.length < params.length) return false;
  if (body.type !== 'ArrowFunctionExpression' && body.type !== 'FunctionExpression') return false;
  return body.params.length === 0 && clears(body.body, names);
}

/** Whether code gives one of some variables the value 0 or `{ exports: {} }`. */
function clears(node: Node, names: readonly string[]): boolean {
  if (node.type === 'AssignmentExpression') {
    const { left, right } = node as AssignmentExpression;
    const isDone = right.type === 'Literal' ? right.value === 0 : isEmptyModule(right);
    if (left.type === 'Identifier' && names.includes(left.name) && isDone) return true;
  }
  return Object.values(node).some((child: unknown) =>
    (Array.isArray(child) ? child : [child]).some(
      (item: unknown) => typeof item === 'object' && item !== null && 'type' in item && clears(item as Node, names),
    ),
  );
}

function isEmptyModule(node: AnyNode): boolean {
  if (node.type !== 'ObjectExpression' || node.properties.length !== 1) return false;
  const [property] = node.properties;
  return property?.type === 'Property' && property.key.type === 'Identifier' && property.key.name === 'exports';
}

/** The functions that a call of `__esm` runs at most once: they hold a module's own code. */
export function lazyModules([modules]: CallExpression['arguments']): AnyNode[] {
  if (modules?.type === 'ArrowFunctionExpression') return [modules];
  if (modules?.type !== 'ObjectExpression') return [];
  return modules.properties.flatMap((property) => (property.type === 'Property' ? [property.value] : []));
}
