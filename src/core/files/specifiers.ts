import type { Node, Program } from 'acorn';
import { acorn } from '../functions/script.ts';

/** Something that a file loads. */
export interface Specifier {
  readonly specifier: string;
  /** Whether it is loaded by `import()`, so not with the file. */
  readonly late: boolean;
}

const word = /\b(?:import|require|from)\b/;
const gap = String.raw`(?:\s|/\*[^]*?\*/|//[^\n]*\n)*`;
/** What calls for a look at more than the declarations of a module. */
const call = new RegExp(String.raw`\brequire\b|\bimport\b${gap}\(`);
const loose = new RegExp(String.raw`\b(from|import|require)\b${gap}(\(?)${gap}(['"\`])([^'"\`\n\\]+)\3`, 'g');

/** What a file with this text loads by literal specifiers: `import`, `export … from`, `require` anywhere, and `import()`. */
export function specifiersOf(text: string): Specifier[] {
  if (!word.test(text)) return [];
  const program = parse(text);
  return program === undefined ? looseSpecifiers(text) : [...strictSpecifiers(program, call.test(text))];
}

/**
 * The same for text that is no JavaScript, as far as acorn knows: TypeScript, say. Whatever may be an import counts as one, in
 * comments and strings too, so none is missed.
 */
export function looseSpecifiers(text: string): Specifier[] {
  return [...text.matchAll(loose)].map(([, keyword, bracket, , specifier]) => ({
    specifier: specifier as string,
    late: keyword === 'import' && bracket === '(',
  }));
}

function parse(text: string): Program | undefined {
  const { parse: parseText } = acorn();
  const options = { ecmaVersion: 'latest', allowHashBang: true, allowReturnOutsideFunction: true } as const;
  for (const sourceType of ['module', 'script'] as const) {
    try {
      return parseText(text, { ...options, sourceType });
    } catch {
      // The other kind, or no JavaScript.
    }
  }
  return undefined;
}

function* strictSpecifiers(program: Program, deep: boolean): Generator<Specifier> {
  for (const node of deep ? everyNode(program) : program.body) {
    const found = loaded(node as LoadingNode);
    if (found !== undefined) yield found;
  }
}

/** The fields of nodes that load something. */
interface LoadingNode extends Node {
  readonly source?: Node | null;
  readonly callee?: Node & { readonly name?: string };
  readonly arguments?: readonly Node[];
}

function loaded({ type, source, callee, arguments: given }: LoadingNode): Specifier | undefined {
  switch (type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return literal(source, false);
    case 'ImportExpression':
      return literal(source, true);
    case 'CallExpression':
      return callee?.name === 'require' ? literal(given?.[0], false) : undefined;
    default:
      return undefined;
  }
}

/** A string literal, or a template without expressions. */
interface Literal extends Node {
  readonly value?: unknown;
  readonly quasis?: readonly { readonly value: { readonly cooked?: string | null } }[];
}

function literal(node: Literal | null | undefined, late: boolean): Specifier | undefined {
  const specifier = node?.quasis?.length === 1 ? node.quasis[0]?.value.cooked : node?.value;
  return typeof specifier === 'string' ? { specifier, late } : undefined;
}

function* everyNode(root: Node): Generator<Node> {
  const left: Node[] = [root];
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    yield node;
    for (const value of Object.values(node) as unknown[]) {
      for (const child of Array.isArray(value) ? (value as unknown[]) : [value]) if (isNode(child)) left.push(child);
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'type') === 'string';
}
