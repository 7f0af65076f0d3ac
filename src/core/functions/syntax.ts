import type { AnyNode, Pattern } from 'acorn';

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
