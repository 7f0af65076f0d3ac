import type {
  AnonymousClassDeclaration,
  AnonymousFunctionDeclaration,
  ArrowFunctionExpression,
  ClassDeclaration,
  ClassExpression,
  Expression,
  FunctionDeclaration,
  FunctionExpression,
  ImportDeclaration,
  MemberExpression,
  Node,
  VariableDeclarator,
} from 'acorn';

/** A stretch of source text. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** What a scope stands for; `loop` is no scope of the language but marks code that runs many times. */
export type ScopeKind = 'script' | 'function' | 'block' | 'class' | 'field' | 'loop';

/** A scope of a script. Function bodies, static blocks and the script itself take `var`s. */
export class Scope implements Range {
  readonly kind: ScopeKind;
  readonly node: Node;
  readonly start: number;
  readonly end: number;
  readonly parent: Scope | undefined;
  readonly takesVars: boolean;
  /** Code in here runs later than the code around it. */
  readonly deferred: boolean;
  readonly bindings: Map<string, Binding> = new Map();

  constructor(
    kind: ScopeKind,
    node: Node,
    parent: Scope | undefined,
    traits: { vars?: boolean; deferred?: boolean } = {},
  ) {
    this.kind = kind;
    this.node = node;
    this.start = node.start;
    this.end = node.end;
    this.parent = parent;
    this.takesVars = traits.vars ?? false;
    this.deferred = traits.deferred ?? false;
  }

  /** The innermost binding of `name` seen from here. */
  find(name: string): Binding | undefined {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent) {
      const binding = scope.bindings.get(name);
      if (binding !== undefined) return binding;
    }
    return undefined;
  }
}

/** How a name was declared; `self` is a function's or class's own name inside itself. */
export type BindingKind = 'import' | 'const' | 'let' | 'var' | 'function' | 'class' | 'param' | 'catch' | 'self';

/** One assignment to a binding, its initialiser included. */
export interface Write {
  readonly start: number;
  /** Where the assignment or declarator ends. */
  readonly end: number;
  readonly scope: Scope;
  /** The declaration's own initialiser. */
  readonly initial: boolean;
}

/** A declared name. */
export interface Binding {
  readonly name: string;
  readonly kind: BindingKind;
  readonly scope: Scope;
  /** Where the name stands in its declaration. */
  readonly start: number;
  /** For variables: the declarator, whose `id` may be a pattern. */
  readonly declarator: VariableDeclarator | undefined;
  /** For imports: the declaration, and the name imported (`*` for the namespace). */
  readonly imported: { readonly declaration: ImportDeclaration; readonly name: string } | undefined;
  readonly writes: Write[];
}

/** A use of a name. */
export interface Reference {
  readonly name: string;
  readonly start: number;
  readonly scope: Scope;
  /** The property read from it, where the use is `name.property` and nothing more. */
  readonly member: string | undefined;
  /** What it stands for; `undefined` for names the script does not declare. Filled in after the walk. */
  binding: Binding | undefined;
}

/** A change of what a variable holds: `name.a.b = 1`, `name.list.push(1)`, `Object.assign(name, …)`. */
export interface Mutation {
  readonly name: string;
  /** The properties between the variable and what changes, as far as they are names. */
  readonly path: readonly string[];
  readonly start: number;
  readonly scope: Scope;
  /** As of a reference. */
  binding: Binding | undefined;
}

/** One name that an ES module exports: a variable of its own, or an export of another module (`*` for its namespace). */
export interface ModuleExport {
  /** `*` for `export * from`. */
  readonly name: string;
  /** The variable; `undefined` for an expression, which never changes. */
  readonly local: string | undefined;
  /** The other module. */
  readonly from: string | undefined;
}

/** A use of `this`, `super`, `arguments` or `new.target`, and the function or field that gives it meaning. */
export interface LexicalUse {
  readonly name: 'this' | 'super' | 'arguments' | 'new.target';
  readonly start: number;
  readonly owner: Scope | undefined;
}

/** Any node that makes a function. */
export type FunctionNode =
  | FunctionExpression
  | FunctionDeclaration
  | AnonymousFunctionDeclaration
  | ArrowFunctionExpression;

/** Any node that makes a class. */
export type ClassNode = ClassDeclaration | AnonymousClassDeclaration | ClassExpression;

/** A function or class expression or declaration of the script. */
export interface FunctionEntry {
  readonly node: FunctionNode | ClassNode;
  /** The method or accessor it is the value of: its text starts at the key. */
  readonly outer: Range | undefined;
  readonly scope: Scope;
  readonly strict: boolean;
}

/** A call of `eval` by that name: its code sees every variable around it. */
export interface DirectEval {
  readonly start: number;
  readonly scope: Scope;
  /** The literals that its code is made of; `undefined` where the code is made of anything else. */
  readonly code: readonly string[] | undefined;
}

/** What scope analysis finds in one script. References are in source order. */
export interface Analysis {
  readonly functions: readonly FunctionEntry[];
  readonly references: readonly Reference[];
  readonly lexicals: readonly LexicalUse[];
  /** Every `import.meta`. */
  readonly metas: readonly Range[];
  readonly mutations: readonly Mutation[];
  /** Variables, or properties of theirs, that are arguments of a call. */
  readonly passed: readonly { readonly name: string; readonly scope: Scope }[];
  /** Where `eval` is called by that name. */
  readonly evals: readonly DirectEval[];
  /** Every assignment to a property. */
  readonly assignments: readonly { readonly target: MemberExpression; readonly value: Expression }[];
  readonly exports: readonly ModuleExport[];
  /** The scope of the script itself. */
  readonly top: Scope;
  /** Whether the script itself waits: an ES module with a top-level `await`. */
  readonly awaits: boolean;
}

/** A name a stretch of code uses without declaring it. */
export interface FreeName {
  readonly name: string;
  readonly binding: Binding | undefined;
  readonly references: readonly Reference[];
  /** Whether it is needed while the outermost class of the stretch is evaluated. */
  readonly eager: boolean;
}

/** Whether `inner` lies within `outer`. */
export function within(inner: Range, outer: Range): boolean {
  return inner.start >= outer.start && inner.end <= outer.end;
}

/** The names `range`, without the stretches in `except`, takes from outside itself. */
export function freeNames(analysis: Analysis, range: Range, except: readonly Range[] = []): FreeName[] {
  const found = new Map<string, { binding: Binding | undefined; references: Reference[]; eager: boolean }>();
  for (let i = firstAt(analysis.references, range.start); i < analysis.references.length; i++) {
    const reference = analysis.references[i];
    if (reference === undefined || reference.start >= range.end) break;
    const { binding } = reference;
    if (binding !== undefined && within(binding.scope, range)) continue;
    if (except.some(({ start, end }) => reference.start >= start && reference.start < end)) continue;
    const eager = !isDeferred(reference.scope, range);
    const known = found.get(reference.name);
    if (known === undefined) found.set(reference.name, { binding, references: [reference], eager });
    else {
      known.references.push(reference);
      known.eager ||= eager;
    }
  }
  return [...found].map(([name, rest]) => ({ name, ...rest }));
}

/** Whether code in `from` runs at another time than the code of `to` around it: a function lies between them. */
export function runsLater(from: Scope, to: Scope): boolean {
  for (let scope: Scope | undefined = from; scope !== undefined && scope !== to; scope = scope.parent) {
    if (scope.deferred) return true;
  }
  return false;
}

/** The uses of `this` and its like in `range` whose meaning comes from outside it. */
export function freeLexicals(analysis: Analysis, range: Range): LexicalUse[] {
  return analysis.lexicals.filter(
    ({ start, owner }) => start >= range.start && start < range.end && !(owner !== undefined && within(owner, range)),
  );
}

function firstAt(references: readonly Reference[], start: number): number {
  let low = 0;
  let high = references.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((references[middle]?.start ?? 0) < start) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isDeferred(from: Scope, range: Range): boolean {
  for (let scope: Scope | undefined = from; scope !== undefined && within(scope, range); scope = scope.parent) {
    if (scope.deferred) return true;
  }
  return false;
}
