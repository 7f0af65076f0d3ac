import type {
  AnyNode,
  Declaration,
  ForInStatement,
  ForOfStatement,
  Node,
  Pattern,
  Program,
  VariableDeclaration,
  VariableDeclarator,
} from 'acorn';
import { type Place, Recorder } from './recorder.ts';
import { type Analysis, type ClassNode, type FunctionNode, type Range, Scope } from './scope.ts';
import {
  changedTarget,
  exportName,
  hasUseStrict,
  isLazyHelper,
  lazyModules,
  literalTexts,
  memberRoot,
  patternExpressions,
  patternNames,
} from './syntax.ts';

/** Finds the scopes, bindings, references and functions of a parsed script. */
export function analyze(program: Program): Analysis {
  return new Analyzer().result(program);
}

type Visitor = (node: never, place: Place) => void;

class Analyzer {
  readonly #record = new Recorder();
  /** Functions that bundlers put around the code of a whole module. */
  readonly #runsOnce = new Set<Node>();

  result(program: Program): Analysis {
    const scope = new Scope('script', program, undefined, { vars: true });
    const strict = program.sourceType === 'module' || hasUseStrict(program.body);
    this.#statements(program.body, { scope, owner: undefined, strict });
    return this.#record.result(scope);
  }

  #statements(body: readonly AnyNode[], place: Place): void {
    for (const node of body) this.#visit(node, place);
  }

  #visit(node: AnyNode | null | undefined, place: Place): void {
    if (node === null || node === undefined) return;
    const visitor: Visitor | undefined = this.#visitors[node.type];
    if (visitor === undefined) this.#children(node, place);
    else visitor(node as never, place);
  }

  /** Visits every child node; for kinds of node that neither declare nor hide anything. */
  #children(node: Node, place: Place): void {
    for (const value of Object.values(node)) {
      if (Array.isArray(value)) for (const item of value) this.#child(item, place);
      else this.#child(value, place);
    }
  }

  #child(value: unknown, place: Place): void {
    if (typeof value === 'object' && value !== null && 'type' in value) this.#visit(value as AnyNode, place);
  }

  readonly #visitors: {
    readonly [Type in AnyNode['type']]?: (node: Extract<AnyNode, { type: Type }>, place: Place) => void;
  } = {
    Identifier: (node, place) => this.#record.refer(node.name, node.start, place),
    ThisExpression: (node, place) => this.#record.lexical('this', node.start, place),
    Super: (node, place) => this.#record.lexical('super', node.start, place),
    MetaProperty: (node, place) => {
      if (node.meta.name === 'import') this.#record.meta(node);
      else this.#record.lexical('new.target', node.start, place);
    },
    MemberExpression: (node, place) => {
      const property = !node.computed && node.property.type === 'Identifier' ? node.property.name : undefined;
      if (node.object.type === 'Identifier') this.#record.refer(node.object.name, node.object.start, place, property);
      else this.#visit(node.object, place);
      if (node.computed) this.#visit(node.property, place);
    },
    Property: (node, place) => {
      if (node.computed) this.#visit(node.key, place);
      const isMethod = node.method || node.kind !== 'init';
      if (isMethod) this.#function(node.value as FunctionNode, place, node);
      else this.#visit(node.value, place);
    },
    LabeledStatement: (node, place) => this.#visit(node.body, place),
    BreakStatement: () => undefined,
    ContinueStatement: () => undefined,
    ImportDeclaration: (node, { scope }) => {
      for (const specifier of node.specifiers) {
        const { local } = specifier;
        const name =
          specifier.type === 'ImportSpecifier'
            ? exportName(specifier.imported)
            : specifier.type === 'ImportDefaultSpecifier'
              ? 'default'
              : '*';
        this.#record.declare(local.name, 'import', local.start, scope, { imported: { declaration: node, name } });
      }
    },
    ExportNamedDeclaration: (node, place) => {
      const from = node.source ? String(node.source.value) : undefined;
      for (const { exported, local } of node.specifiers) {
        this.#record.export(exportName(exported), exportName(local), from);
      }
      for (const name of declaredNames(node.declaration)) this.#record.export(name, name, undefined);
      this.#visit(node.declaration, place);
    },
    ExportDefaultDeclaration: (node, place) => {
      const { declaration } = node;
      const isDeclared = declaration.type === 'FunctionDeclaration' || declaration.type === 'ClassDeclaration';
      this.#record.export('default', isDeclared ? declaration.id?.name : undefined, undefined);
      this.#visit(declaration, place);
    },
    ExportAllDeclaration: (node) => {
      const name = node.exported ? exportName(node.exported) : '*';
      this.#record.export(name, '*', String(node.source.value));
    },
    VariableDeclaration: (node, place) => this.#variables(node, place),
    FunctionDeclaration: (node, place) => {
      if (node.id !== null) this.#record.declare(node.id.name, 'function', node.id.start, place.scope);
      this.#function(node, place, undefined);
    },
    FunctionExpression: (node, place) => this.#function(node, place, undefined),
    ArrowFunctionExpression: (node, place) => this.#function(node, place, undefined),
    ClassDeclaration: (node, place) => {
      if (node.id !== null) this.#record.declare(node.id.name, 'class', node.id.start, place.scope);
      this.#class(node, place);
    },
    ClassExpression: (node, place) => this.#class(node, place),
    AssignmentExpression: (node, place) => {
      this.#assign(node.left, node, place);
      if (node.left.type === 'MemberExpression')
        this.#record.assignments.push({ target: node.left, value: node.right });
      this.#visit(node.right, place);
    },
    UpdateExpression: (node, place) => {
      this.#assign(node.argument as Pattern, node, place);
    },
    AwaitExpression: (node, place) => {
      this.#record.await(place.scope);
      this.#visit(node.argument, place);
    },
    UnaryExpression: (node, place) => {
      if (node.operator === 'delete') this.#mutate(node.argument, place);
      this.#visit(node.argument, place);
    },
    CallExpression: (node, place) => {
      for (const argument of node.arguments) {
        const root = memberRoot(argument);
        if (root !== undefined) this.#record.passed.push({ name: root.name, scope: place.scope });
      }
      // Direct eval sees every variable around it.
      const isEval = node.callee.type === 'Identifier' && node.callee.name === 'eval';
      if (isEval)
        this.#record.evals.push({ start: node.start, scope: place.scope, code: literalTexts(node.arguments) });
      const target = changedTarget(node);
      if (target !== undefined) this.#mutate(target, place, true);
      if (isLazyCall(node.callee, place.scope))
        for (const body of lazyModules(node.arguments)) this.#runsOnce.add(body);
      this.#children(node, place);
    },
    BlockStatement: (node, place) => this.#block(node, node.body, place),
    SwitchStatement: (node, place) => {
      this.#visit(node.discriminant, place);
      this.#block(node, node.cases, place);
    },
    CatchClause: (node, place) => {
      const scope = new Scope('block', node, place.scope);
      const inner = { ...place, scope };
      if (node.param) {
        for (const { name, start } of patternNames(node.param)) this.#record.declare(name, 'catch', start, scope);
        this.#defaults(node.param, inner);
      }
      this.#visit(node.body, inner);
    },
    WhileStatement: (node, place) => this.#children(node, this.#loop(node, place)),
    DoWhileStatement: (node, place) => this.#children(node, this.#loop(node, place)),
    ForStatement: (node, place) => {
      const head = { ...place, scope: new Scope('block', node, place.scope) };
      this.#visit(node.init, head);
      const loop = this.#loop(node, head);
      this.#visit(node.test, loop);
      this.#visit(node.update, loop);
      this.#visit(node.body, loop);
    },
    ForInStatement: (node, place) => this.#forEach(node, place),
    ForOfStatement: (node, place) => this.#forEach(node, place),
  };

  /** A target of an assignment: the names in it are written (and count as used); what else is in it is visited. */
  #assign(target: Pattern, whole: Range, place: Place): void {
    for (const { name, start } of patternNames(target)) {
      this.#record.refer(name, start, place);
      this.#record.write(name, { start, end: whole.end }, place.scope, false);
    }
    for (const node of patternExpressions(target)) if (node.type === 'MemberExpression') this.#mutate(node, place);
    this.#defaults(target, place);
  }

  /** `target`, or with `inside` what it holds, changes. */
  #mutate(target: AnyNode, place: Place, inside = false): void {
    const root = memberRoot(target);
    if (root !== undefined && (inside || root.path.length > 0)) {
      this.#record.mutate(root.name, root.path, target.start, place.scope);
    }
  }

  /** The expressions inside a pattern. */
  #defaults(pattern: Pattern, place: Place): void {
    for (const node of patternExpressions(pattern)) this.#visit(node, place);
  }

  #variables(node: VariableDeclaration, place: Place, filledByLoop = false): void {
    const kind = node.kind === 'var' || node.kind === 'let' ? node.kind : 'const';
    for (const declarator of node.declarations as VariableDeclarator[]) {
      for (const { name, start } of patternNames(declarator.id)) {
        this.#record.declare(name, kind, start, place.scope, { declarator });
        if (filledByLoop || declarator.init)
          this.#record.write(name, { start, end: declarator.end }, place.scope, true);
      }
      this.#defaults(declarator.id, place);
      this.#visit(declarator.init, place);
    }
  }

  #block(node: Node, body: readonly AnyNode[], place: Place): void {
    this.#statements(body, { ...place, scope: new Scope('block', node, place.scope) });
  }

  #loop(node: Node, place: Place): Place {
    return { ...place, scope: new Scope('loop', node, place.scope) };
  }

  #forEach(node: ForInStatement | ForOfStatement, place: Place): void {
    if (node.type === 'ForOfStatement' && node.await) this.#record.await(place.scope);
    this.#visit(node.right, place);
    const loop = this.#loop(node, place);
    // A `let` or `const` of the head is a new variable each time round, a `var` is not: hence a scope inside the loop.
    const head = { ...loop, scope: new Scope('block', node, loop.scope) };
    if (node.left.type === 'VariableDeclaration') this.#variables(node.left, head, true);
    else this.#assign(node.left, node, loop);
    this.#visit(node.body, head);
  }

  #function(node: FunctionNode, place: Place, outer: Range | undefined): void {
    const isArrow = node.type === 'ArrowFunctionExpression';
    let parent = place.scope;
    if (node.type === 'FunctionExpression' && node.id) {
      parent = new Scope('block', node, parent);
      this.#record.declare(node.id.name, 'self', node.id.start, parent);
    }
    const scope = new Scope('function', node, parent, { vars: true, deferred: !this.#runsOnce.has(node) });
    const owner = isArrow ? place.owner : scope;
    const strict = place.strict || (node.body.type === 'BlockStatement' && hasUseStrict(node.body.body));
    const params = { scope, owner, strict };
    this.#record.entry({ node, outer, scope, strict });
    for (const param of node.params) {
      for (const { name, start } of patternNames(param)) this.#record.declare(name, 'param', start, scope);
      this.#defaults(param, params);
    }
    if (node.body.type !== 'BlockStatement') {
      this.#visit(node.body, params);
      return;
    }
    // Defaults of parameters do not see the body's declarations.
    const simple = node.params.every((param) => param.type === 'Identifier');
    const body = simple ? scope : new Scope('block', node.body, scope, { vars: true });
    this.#statements(node.body.body, { scope: body, owner, strict });
  }

  #class(node: ClassNode, place: Place): void {
    const scope = new Scope('class', node, place.scope);
    const inner = { ...place, scope, strict: true };
    if (node.id) this.#record.declare(node.id.name, 'self', node.id.start, scope);
    this.#record.entry({ node, outer: undefined, scope, strict: true });
    this.#visit(node.superClass, inner);
    for (const member of node.body.body) {
      if (member.type === 'StaticBlock') {
        const block = new Scope('field', member, scope, { vars: true });
        this.#statements(member.body, { scope: block, owner: block, strict: true });
        continue;
      }
      if (member.computed) this.#visit(member.key, inner);
      if (member.type === 'MethodDefinition') this.#function(member.value, inner, member);
      else if (member.value) {
        const field = new Scope('field', member, scope, { deferred: !member.static });
        this.#visit(member.value, { scope: field, owner: field, strict: true });
      }
    }
  }
}

/** Whether a call is one of `__esm`. */
function isLazyCall(callee: AnyNode, scope: Scope): boolean {
  if (callee.type !== 'Identifier') return false;
  if (/^__esm(?:Min)?$/.test(callee.name)) return true;
  return isLazyHelper(scope.find(callee.name)?.declarator?.init);
}

function declaredNames(declaration: Declaration | null | undefined): string[] {
  if (!declaration) return [];
  if (declaration.type !== 'VariableDeclaration') return [declaration.id.name];
  return declaration.declarations.flatMap(({ id }) => [...patternNames(id)].map(({ name }) => name));
}
