import { types } from 'node:util';
import type { Expression } from 'acorn';
import type { Capture } from './capture-context.ts';
import { isPackageFile } from './exports.ts';
import { isNativeText } from './intrinsics.ts';
import { type Located, locateFunction } from './locate.ts';
import { toPath } from './modules.ts';
import { runsLater, type Scope } from './scope.ts';
import type { AnyFunction } from './shipped.ts';
import { memberRoot } from './syntax.ts';

/** Own properties that every function or class has. */
export const ownProperties: ReadonlySet<PropertyKey> = new Set(['length', 'name', 'prototype', 'arguments', 'caller']);

/**
 * What was changed of a function or class after the module that exports it had made it, as far as that can be seen; a worker that imports it would
 * get it without. `file`: the module, if it is no package.
 */
export function changeOf(fn: AnyFunction, capture: Capture, file: string | undefined): string | undefined {
  for (let at: unknown = fn; typeof at === 'function'; at = Object.getPrototypeOf(at)) {
    const text = Function.prototype.toString.call(at);
    if (isNativeText(text)) return undefined;
    const change = new Maker(at, text, capture, file).change();
    if (change !== undefined) return change;
  }
  return undefined;
}

/** A function or class, and the script that made it. */
class Maker {
  readonly #fn: AnyFunction;
  readonly #text: string;
  readonly #capture: Capture;
  readonly #file: string | undefined;
  readonly #isClass: boolean;

  constructor(fn: AnyFunction, text: string, capture: Capture, file: string | undefined) {
    this.#fn = fn;
    this.#text = text;
    this.#capture = capture;
    this.#file = file;
    this.#isClass = /^class\b/.test(text);
  }

  change(): string | undefined {
    const prototype: unknown = Object.getOwnPropertyDescriptor(this.#fn, 'prototype')?.value;
    if (typeof prototype === 'object' && prototype !== null) {
      const change = this.#ofHolder(prototype, 'prototype.', new Set(['constructor']));
      if (change !== undefined) return change;
    }
    return this.#ofHolder(this.#fn, '', ownProperties);
  }

  #ofHolder(holder: object, prefix: string, expected: ReadonlySet<PropertyKey>): string | undefined {
    for (const key of Reflect.ownKeys(holder)) {
      if (expected.has(key)) continue;
      const { value, get, set } = Object.getOwnPropertyDescriptor(holder, key) ?? {};
      const code = [value as unknown, get, set].filter((item) => typeof item === 'function');
      const change =
        code.length > 0 ? !code.every((item) => this.#isOwn(item)) : this.#isNew(key) || this.#hasMoved(key, value);
      if (change) return `${prefix}${String(key)}`;
    }
    return undefined;
  }

  /** Whether the script that made the function or class made `member` too, or may have put it there. */
  #isOwn(member: AnyFunction): boolean {
    const text = Function.prototype.toString.call(member);
    if (this.#isClass && this.#text.includes(text)) return true;
    const own = this.#scriptOf(this.#fn);
    const other = this.#scriptOf(member);
    if (own === other) return true;
    if (this.#file === undefined) {
      const path = toPath(this.#capture.inspector.urlOfAny(other ?? ''));
      return path === undefined || isPackageFile(path);
    }
    return this.#changesItself();
  }

  /** Whether the module itself, while it is loaded, changes a class or passes it to a function, which may change it. */
  #changesItself(): boolean {
    const located = this.#locate();
    if (located === undefined) return false;
    const { mutations, passed, top } = located.script.analysis;
    const isHere = ({ name, scope }: { name: string; scope: Scope }): boolean =>
      name === this.#fn.name && !runsLater(scope, top);
    return mutations.some(isHere) || passed.some(isHere);
  }

  /** Whether a property is one that the defining script never names, or only reads. Packages make properties in many ways. */
  #isNew(key: PropertyKey): boolean {
    if (this.#file === undefined || typeof key === 'symbol') return false;
    const located = this.#locate();
    return located !== undefined && !mayMake(located, String(key), this.#fn.name);
  }

  /** Whether a static field, or a property that its script gave a function, does not hold the literal or empty collection that it held first. */
  #hasMoved(key: PropertyKey, value: unknown): boolean {
    const located = this.#file === undefined ? undefined : this.#locate();
    if (located === undefined) return false;
    const first = this.#isClass ? staticField(located, key) : assigned(located, key, this.#fn.name);
    if (first === undefined) return false;
    if (first.type === 'Literal') return first.regex === undefined && first.value !== value;
    const size = sizeOf(first);
    return size !== undefined && size !== sizeOfValue(value);
  }

  #locate(): Exclude<ReturnType<typeof locateFunction>, string> | undefined {
    const { inspector } = this.#capture;
    const located = locateFunction(inspector, inspector.look(this.#fn), this.#fn, this.#text);
    return typeof located === 'string' || !located.whole ? undefined : located;
  }

  #scriptOf(fn: AnyFunction): string | undefined {
    return this.#capture.inspector.scriptIdOf(fn);
  }
}

/** Whether a script may give something a property: its name is there, other than where `owner.key` is read. */
function mayMake({ script: { text, analysis } }: Located, key: string, owner: string): boolean {
  let count = 0;
  for (let at = text.indexOf(key); at >= 0; at = text.indexOf(key, at + key.length)) count++;
  const isIt = ({ name, path }: { readonly name: string; readonly path: readonly string[] }): boolean =>
    name === owner && path[0] === key;
  if (count === 0 || analysis.mutations.some(isIt)) return count > 0;
  return count > analysis.references.filter(({ name, member }) => name === owner && member === key).length;
}

/** The initialiser of a static field. */
function staticField({ entry: { node } }: Located, key: PropertyKey): Expression | undefined {
  if (node.type !== 'ClassDeclaration' && node.type !== 'ClassExpression') return undefined;
  for (const member of node.body.body) {
    if (member.type !== 'PropertyDefinition' || !member.static || member.computed) continue;
    if (member.key.type === 'Identifier' && member.key.name === key) return member.value ?? undefined;
  }
  return undefined;
}

/** What the only `name.key = …` of a script assigns. */
function assigned({ script }: Located, key: PropertyKey, name: string): Expression | undefined {
  const own = script.analysis.assignments.filter(({ target }) => {
    const root = memberRoot(target);
    return root?.name === name && root.path.length === 1 && root.path[0] === key;
  });
  return own.length === 1 ? own[0]?.value : undefined;
}

/** How much an empty collection holds; `undefined` for other expressions. */
function sizeOf(init: Expression): 0 | undefined {
  if (init.type === 'ArrayExpression') return init.elements.length === 0 ? 0 : undefined;
  if (init.type === 'ObjectExpression') return init.properties.length === 0 ? 0 : undefined;
  if (init.type !== 'NewExpression' || init.callee.type !== 'Identifier' || init.arguments.length > 0) return undefined;
  return init.callee.name === 'Map' || init.callee.name === 'Set' ? 0 : undefined;
}

function sizeOfValue(value: unknown): number | undefined {
  if (types.isMap(value) || types.isSet(value)) return value.size;
  return typeof value === 'object' && value !== null ? Object.keys(value).length : undefined;
}
