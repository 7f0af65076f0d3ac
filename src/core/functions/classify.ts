import { importOrigin } from './bindings.ts';
import type { Located } from './locate.ts';
import { type Binding, type FreeName, type FunctionEntry, freeNames, type Range, within } from './scope.ts';
import type { StaticPlan } from './statics.ts';

/** A function's text, made ready to be evaluated in a classic script, with every line where it was. */
export interface Rewritten {
  readonly source: string;
  readonly form: 'expression' | 'method';
  /** The name that stands for `import.meta` in `source`, where it occurs. */
  readonly meta: string | undefined;
  /** The name that stands for the superclass in `source`, where it is not for `source` to find it. */
  readonly superclass: string | undefined;
  /** The function that `source` hands the setter of static private fields to, where there are any. */
  readonly setter: string | undefined;
  /** What `source` takes from outside, apart from those two. */
  readonly free: readonly FreeName[];
}

/** What functions were rewritten to: closures of one text differ in nothing but their values. */
const rewritten = new WeakMap<FunctionEntry, Rewritten>();

/** Classifies a located function and rewrites what would mean something else elsewhere, or be computed again. */
export function rewrite(located: Located, text: string, statics: StaticPlan): Rewritten {
  const { entry } = located;
  // What happens to the static parts of a class depends on their values.
  if (entry.node.type === 'ClassDeclaration' || entry.node.type === 'ClassExpression')
    return make(located, text, statics);
  const known = rewritten.get(entry) ?? make(located, text, statics);
  rewritten.set(entry, known);
  return known;
}

function make({ script, entry, range }: Located, text: string, statics: StaticPlan): Rewritten {
  const { analysis } = script;
  const heritage = foreignHeritage(entry, freeNames(analysis, heritageOf(entry) ?? { start: 0, end: 0 }));
  const dropped = [...statics.initialisers, ...statics.blocks, ...(heritage === undefined ? [] : [heritage])];
  const metas = analysis.metas.filter((meta) => within(meta, range) && !dropped.some((part) => within(meta, part)));
  const meta = metas.length > 0 ? unusedName('import_meta', text) : undefined;
  const superclass = heritage === undefined ? undefined : unusedName('superclass_', text);
  const setter = statics.privates.length > 0 ? unusedName('privates_', text) : undefined;
  const edits: Edit[] = [
    ...metas.map(({ start, end }) => ({ start, end, with: meta ?? '' })),
    ...statics.initialisers.map(({ start, end }) => ({ start, end, with: '0' })),
    ...statics.blocks.map(({ start, end }) => ({ start, end, with: '' })),
    ...(heritage === undefined ? [] : [{ start: heritage.start, end: heritage.end, with: superclass ?? '' }]),
  ];
  if (setter !== undefined) {
    const sets = statics.privates.map(({ name }, i) => `this.${name}=v[${i}]`).join(';');
    edits.push({ start: range.end - 1, end: range.end - 1, with: `;static{${setter}((v)=>{${sets}})}` });
  }
  let source = text;
  for (const edit of edits.sort((a, b) => b.start - a.start)) {
    const [start, end] = [edit.start - range.start, edit.end - range.start];
    const rest = source.slice(start + edit.with.length, end).replace(/[^\n\r\u2028\u2029]/g, ' ');
    source = source.slice(0, start) + edit.with + rest + source.slice(end);
  }
  return {
    source,
    form: entry.outer === undefined ? 'expression' : 'method',
    meta,
    superclass,
    setter,
    free: freeNames(analysis, range, dropped).filter(({ binding }) => !(binding && declaresItself(entry, binding))),
  };
}

interface Edit extends Range {
  readonly with: string;
}

/** The superclass expression of a class. */
export function heritageOf({
  node,
}: FunctionEntry): (Range & { readonly type: string; readonly name?: string }) | undefined {
  return node.type === 'ClassDeclaration' || node.type === 'ClassExpression'
    ? (node.superClass ?? undefined)
    : undefined;
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
