import { createRequire } from 'node:module';
import type { AnyNode, Class, Expression, SpreadElement } from 'acorn';

/** A field of a class that its text gives a function. */
export interface FunctionField {
  readonly name: string;
  readonly generator: boolean;
}

/**
 * The fields of a class, and of those it is derived from, whose values are functions by their text: `inc = () => …`. Compilers
 * write fields in several ways; all of them stand in the class or in its constructor. A field that gets its function
 * from elsewhere is not among them.
 */
export function functionFields(source: Function): FunctionField[] {
  const fields = new Map<string, FunctionField>();
  for (let maker: unknown = source; typeof maker === 'function'; maker = Object.getPrototypeOf(maker)) {
    const body = classOf(Function.prototype.toString.call(maker))?.body.body ?? [];
    for (const field of body.flatMap(fieldsOf)) if (!fields.has(field.name)) fields.set(field.name, field);
  }
  return [...fields.values()];
}

function classOf(text: string): Class | undefined {
  if (!text.startsWith('class')) return undefined;
  const { parse } = createRequire(import.meta.url)('acorn') as typeof import('acorn');
  try {
    const [statement] = parse(`(${text})`, { ecmaVersion: 'latest' }).body;
    const found = statement?.type === 'ExpressionStatement' ? statement.expression : undefined;
    return found?.type === 'ClassExpression' ? found : undefined;
  } catch {
    // In a text that acorn cannot read no field is found.
    return undefined;
  }
}

function fieldsOf(member: Class['body']['body'][number]): FunctionField[] {
  if (member.type === 'PropertyDefinition' && !member.static) {
    return field(nameOf(member.key, member.computed), member.value);
  }
  if (member.type !== 'MethodDefinition' || member.kind !== 'constructor') return [];
  return (member.value.body?.body ?? []).flatMap((statement) =>
    statement.type === 'ExpressionStatement' ? assigned(statement.expression) : [],
  );
}

/** What a statement of a constructor gives `this`: `this.x = f`, or `helper(this, 'x', f)`, as compilers write a field. */
function assigned(expression: Expression): FunctionField[] {
  if (expression.type === 'SequenceExpression') return expression.expressions.flatMap(assigned);
  if (expression.type === 'AssignmentExpression' && expression.operator === '=') {
    const { left, right } = expression;
    if (left.type !== 'MemberExpression' || left.object.type !== 'ThisExpression') return [];
    return field(nameOf(left.property, left.computed), right);
  }
  if (expression.type !== 'CallExpression') return [];
  const [target, key, value] = expression.arguments;
  if (target?.type !== 'ThisExpression' || key === undefined) return [];
  return field(nameOf(key, true), value?.type === 'ObjectExpression' ? describedValue(value) : value);
}

/** The value of a property descriptor. */
function describedValue(descriptor: AnyNode & { type: 'ObjectExpression' }): AnyNode | undefined {
  for (const property of descriptor.properties) {
    if (property.type === 'Property' && nameOf(property.key, property.computed) === 'value') return property.value;
  }
  return undefined;
}

function nameOf(key: AnyNode, computed: boolean): string | undefined {
  if (key.type === 'Identifier' && !computed) return key.name;
  return key.type === 'Literal' && typeof key.value === 'string' ? key.value : undefined;
}

function field(name: string | undefined, value: AnyNode | SpreadElement | null | undefined): FunctionField[] {
  // esbuild wraps a function to keep its name: __name(() => …, 'x').
  const inner = value?.type === 'CallExpression' && value.arguments.length === 2 ? value.arguments[0] : value;
  const isFunction = inner?.type === 'ArrowFunctionExpression' || inner?.type === 'FunctionExpression';
  return name === undefined || name === 'constructor' || !isFunction ? [] : [{ name, generator: inner.generator }];
}
