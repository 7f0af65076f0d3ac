import type { Expression, MemberExpression } from 'acorn';
import type {
  Analysis,
  Binding,
  BindingKind,
  DirectEval,
  FunctionEntry,
  LexicalUse,
  ModuleExport,
  Mutation,
  Range,
  Reference,
  Scope,
  Write,
} from './scope.ts';

/** Where a node stands. */
export interface Place {
  readonly scope: Scope;
  /** The function, field or static block that `this` belongs to. */
  readonly owner: Scope | undefined;
  readonly strict: boolean;
}

/** Collects what a walk over a script meets, and resolves names when the walk is over. */
export class Recorder {
  readonly #functions: FunctionEntry[] = [];
  readonly #references: Reference[] = [];
  readonly #writes: { readonly name: string; readonly write: Write }[] = [];
  readonly #lexicals: LexicalUse[] = [];
  readonly #metas: Range[] = [];
  readonly #mutations: Mutation[] = [];
  readonly #exports: ModuleExport[] = [];
  /** Every assignment to a property. */
  readonly assignments: { readonly target: MemberExpression; readonly value: Expression }[] = [];
  /** Variables that are arguments of a call. */
  readonly passed: { readonly name: string; readonly scope: Scope }[] = [];
  /** Every call of `eval` by that name. */
  readonly evals: DirectEval[] = [];
  #awaits = false;

  /** Names are resolved last: a declaration may stand below its use. */
  result(top: Scope): Analysis {
    for (const use of this.#references) use.binding = use.scope.find(use.name);
    for (const use of this.#mutations) use.binding = use.scope.find(use.name);
    for (const { name, write } of this.#writes) write.scope.find(name)?.writes.push(write);
    this.#references.sort((a, b) => a.start - b.start);
    return {
      functions: this.#functions,
      references: this.#references,
      lexicals: this.#lexicals,
      metas: this.#metas,
      mutations: this.#mutations,
      assignments: this.assignments,
      evals: this.evals,
      passed: this.passed,
      exports: this.#exports,
      top,
      awaits: this.#awaits,
    };
  }

  entry(entry: FunctionEntry): void {
    this.#functions.push(entry);
  }

  meta(range: Range): void {
    this.#metas.push(range);
  }

  declare(name: string, kind: BindingKind, start: number, scope: Scope, extra: Partial<Binding> = {}): void {
    let home = scope;
    if (kind === 'var') while (!home.takesVars && home.parent !== undefined) home = home.parent;
    const known = home.bindings.get(name);
    if (known === undefined) {
      home.bindings.set(name, {
        name,
        kind,
        scope: home,
        start,
        declarator: undefined,
        imported: undefined,
        writes: [],
        ...extra,
      });
    } else if (kind === 'function') {
      // A second function of that name replaces the first; a second `var` is the same variable.
      known.writes.push({ start, end: start, scope, initial: false });
    }
  }

  refer(name: string, start: number, place: Place, member?: string): void {
    if (name === 'arguments' && place.owner !== undefined && place.scope.find(name) === undefined)
      this.lexical(name, start, place);
    else this.#references.push({ name, start, scope: place.scope, member, binding: undefined });
  }

  lexical(name: LexicalUse['name'], start: number, { owner }: Place): void {
    this.#lexicals.push({ name, start, owner });
  }

  write(name: string, range: Range, scope: Scope, initial: boolean): void {
    this.#writes.push({ name, write: { start: range.start, end: range.end, scope, initial } });
  }

  mutate(name: string, path: readonly string[], start: number, scope: Scope): void {
    this.#mutations.push({ name, path, start, scope, binding: undefined });
  }

  /** Code in `scope` waits for a promise. */
  await(scope: Scope): void {
    for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) if (at.deferred) return;
    this.#awaits = true;
  }

  export(name: string, local: string | undefined, from: string | undefined): void {
    this.#exports.push({ name, local, from });
  }
}
