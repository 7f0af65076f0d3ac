import { importOrigin } from './bindings.ts';
import type { Located } from './locate.ts';
import { type Binding, type FreeName, type FunctionEntry, freeNames, type Range, within } from './scope.ts';

/** A function's text, made ready to be evaluated in a classic script, with every line where it was. */
export interface Rewritten {
  readonly source: string;
  readonly form: 'expression' | 'method';
  /** The name that stands for `import.meta` in `source`, where it occurs. */
  readonly meta: string | undefined;
  /** The name that stands for the superclass in `source`, where it is not for `source` to find it. */
  readonly superclass: string | undefined;
  /** What `source` takes from outside, apart from those two. */
  readonly free: readonly FreeName[];
}

/** Classifies a located function and rewrites what would mean something else elsewhere. */
export function rewrite({ script, entry, range }: Located, text: string): Rewritten {
  const { analysis } = script;
  const heritage = foreignHeritage(entry, freeNames(analysis, heritageOf(entry) ?? { start: 0, end: 0 }));
  const metas = analysis.metas.filter((meta) => within(meta, range) && !(heritage && within(meta, heritage)));
  const meta = metas.length > 0 ? unusedName('import_meta', text) : undefined;
  const superclass = heritage === undefined ? undefined : unusedName('superclass_', text);
  const edits = metas.map((edit) => ({ ...edit, start: edit.start, end: edit.end, name: meta ?? '' }));
  if (heritage !== undefined)
    edits.push({ ...heritage, start: heritage.start, end: heritage.end, name: superclass ?? '' });
  let source = text;
  for (const { start, end, name } of edits.sort((a, b) => b.start - a.start)) {
    source = source.slice(0, start - range.start) + name.padEnd(end - start) + source.slice(end - range.start);
  }
  return {
    source,
    form: entry.outer === undefined ? 'expression' : 'method',
    meta,
    superclass,
    free: freeNames(analysis, range, heritage).filter(({ binding }) => !(binding && declaresItself(entry, binding))),
  };
}

/** The superclass expression of a class. */
export function heritageOf({
  node,
}: FunctionEntry): (Range & { readonly type: string; readonly name?: string }) | undefined {
  return node.type === 'ClassDeclaration' || node.type === 'ClassExpression'
    ? (node.superClass ?? undefined)
    : undefined;
}

/** The names of a class's static fields: evaluating its text gives them a value again. */
export function staticFields({ node }: FunctionEntry): Set<string> {
  const names = new Set<string>();
  if (node.type !== 'ClassDeclaration' && node.type !== 'ClassExpression') return names;
  for (const member of node.body.body) {
    if (member.type === 'PropertyDefinition' && member.static && member.key.type === 'Identifier')
      names.add(member.key.name);
  }
  return names;
}

/**
 * A superclass expression that a worker should not evaluate: `mixin(Base)` would make another class. V8 does not even keep the variables that only
 * such an expression uses. One made of imports and globals is fine.
 */
function foreignHeritage(entry: FunctionEntry, names: readonly FreeName[]): Range | undefined {
  const heritage = heritageOf(entry);
  if (heritage === undefined || heritage.type === 'Identifier') return undefined;
  const isPlain = heritage.type === 'MemberExpression' || heritage.type === 'Literal';
  return isPlain && names.every(({ binding }) => binding === undefined || importOrigin(binding) !== undefined)
    ? undefined
    : heritage;
}

/** Inside a declaration's text, its name means the function itself, unless something else was assigned to it. */
function declaresItself({ node }: FunctionEntry, { start, writes }: Binding): boolean {
  const declares = node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration';
  return declares && node.id?.start === start && writes.length === 0;
}

/** A name that `text` does not contain, as long as `wanted`, so that nothing on the line moves. */
function unusedName(wanted: string, text: string): string {
  let name = wanted;
  for (let i = 0; text.includes(name); i++) name = wanted.slice(0, -3) + i.toString(36).padStart(3, '_');
  return name;
}
