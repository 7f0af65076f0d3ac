import type {
  AnyNode,
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
import { exportName, hasUseStrict, patternExpressions, patternNames } from './syntax.ts';

/** Finds the scopes, bindings, references and functions of a parsed script. */
export function analyze(program: Program): Analysis {
  return new Analyzer().result(program);
}

type Visitor = (node: never, place: Place) => void;

class Analyzer {
  readonly #record = new Recorder();

  result(program: Program): Analysis {
    const scope = new Scope('script', program, undefined, { vars: true });
    const strict = program.sourceType === 'module' || hasUseStrict(program.body);
    this.#statements(program.body, { scope, owner: undefined, strict });
    return this.#record.result();
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
    ExportNamedDeclaration: (node, place) => this.#visit(node.declaration, place),
    ExportAllDeclaration: () => undefined,
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
      this.#assign(node.left, place);
      this.#visit(node.right, place);
    },
    UpdateExpression: (node, place) => {
      this.#assign(node.argument as Pattern, place);
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
  #assign(target: Pattern, place: Place): void {
    for (const { name, start } of patternNames(target)) {
      this.#record.refer(name, start, place);
      this.#record.write(name, start, place.scope, false);
    }
    this.#defaults(target, place);
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
        if (filledByLoop || declarator.init) this.#record.write(name, start, place.scope, true);
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
    this.#visit(node.right, place);
    const loop = this.#loop(node, place);
    // A `let` or `const` of the head is a new variable each time round, a `var` is not: hence a scope inside the loop.
    const head = { ...loop, scope: new Scope('block', node, loop.scope) };
    if (node.left.type === 'VariableDeclaration') this.#variables(node.left, head, true);
    else this.#assign(node.left, loop);
    this.#visit(node.body, head);
  }

  #function(node: FunctionNode, place: Place, outer: Range | undefined): void {
    const isArrow = node.type === 'ArrowFunctionExpression';
    let parent = place.scope;
    if (node.type === 'FunctionExpression' && node.id) {
      parent = new Scope('block', node, parent);
      this.#record.declare(node.id.name, 'self', node.id.start, parent);
    }
    const scope = new Scope('function', node, parent, { vars: true, deferred: true });
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
