import type {
  Analysis,
  Binding,
  BindingKind,
  FunctionEntry,
  LexicalUse,
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

  /** Names are resolved last: a declaration may stand below its use. */
  result(): Analysis {
    for (const reference of this.#references) reference.binding = reference.scope.find(reference.name);
    for (const { name, write } of this.#writes) write.scope.find(name)?.writes.push(write);
    this.#references.sort((a, b) => a.start - b.start);
    return { functions: this.#functions, references: this.#references, lexicals: this.#lexicals, metas: this.#metas };
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
      known.writes.push({ start, scope, initial: false });
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

  write(name: string, start: number, scope: Scope, initial: boolean): void {
    this.#writes.push({ name, write: { start, scope, initial } });
  }
}
