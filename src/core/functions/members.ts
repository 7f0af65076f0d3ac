import type { Expression, MethodDefinition, PropertyDefinition, StaticBlock } from 'acorn';
import { isFunctionPrototype } from './base-prototypes.ts';
import type { MemberContext } from './capture-context.ts';
import { isNativeText } from './intrinsics.ts';
import type { Located } from './locate.ts';
import { ownProperties } from './patched.ts';
import type { Step } from './problem.ts';
import type { AnyFunction, Integrity, Shipped, ShippedInstance, ShippedMembers, ShippedProperty } from './shipped.ts';

type Member = MethodDefinition | PropertyDefinition | StaticBlock;

/**
 * Describes what a static field holds. Instances of other classes are refused; one of the class itself goes with it, as it is, unless it has private
 * fields, which only the class could fill.
 */
export function describeHeld(value: unknown, context: MemberContext, step: Step): Shipped {
  const { capture, fn } = context;
  if (typeof value === 'function') capture.holds(context, value);
  if (!isInstance(value, fn) || capture.knows(value) || capture.inspector.look(value).privates().size > 0) {
    return capture.value(value, step);
  }
  const shipped: ShippedInstance = { kind: 'instance', of: capture.value(fn, step), members: noMembers };
  capture.know(value, shipped);
  shipped.members = describe(value, Reflect.ownKeys(value), [], `${step.name}.`, context);
  return shipped;
}

/** Keys of methods that a class computes from a variable: V8 does not keep one that nothing else uses. */
export function computedKeys(fn: AnyFunction, located: Located): Map<string, PropertyKey> {
  const keys = new Map<string, PropertyKey>();
  for (const member of membersOf(located)) {
    if (member.type !== 'MethodDefinition' || !member.computed || member.key.type !== 'Identifier') continue;
    const holder: unknown = member.static ? fn : fn.prototype;
    if (typeof holder !== 'object' && typeof holder !== 'function') continue;
    const key = Reflect.ownKeys(holder as object).find((name) => {
      const { value, get, set } = Object.getOwnPropertyDescriptor(holder, name) ?? {};
      const parts = [value as unknown, get, set];
      return parts.some((part) => typeof part === 'function' && isMade(part, located, member));
    });
    if (key !== undefined) keys.set(member.key.name, key);
  }
  return keys;
}

/** What a function or class holds apart from what its text makes: properties that were set, fields with their values, methods that were replaced. */
export function describeOwn(context: MemberContext): ShippedMembers {
  const { fn, located } = context;
  const declared = membersOf(located).filter((member) => member.type !== 'StaticBlock' && member.static);
  const named = new Set(declared.map(keyOf));
  const keys = Reflect.ownKeys(fn).filter((key) => !ownProperties.has(key) || named.has(key as string));
  return describe(fn, keys, declared, `${context.name}.`, context);
}

/** The same of the prototype of a class, or of a function that is used as one. */
export function describePrototype(context: MemberContext): ShippedMembers {
  const { fn, located, name } = context;
  const { node } = located.entry;
  const prototype: unknown = Object.getOwnPropertyDescriptor(fn, 'prototype')?.value;
  if (typeof prototype !== 'object' || prototype === null || ('generator' in node && node.generator)) return noMembers;
  const declared = membersOf(located).filter((member) => member.type === 'MethodDefinition' && !member.static);
  const keys = Reflect.ownKeys(prototype).filter((key) => key !== 'constructor' || Reflect.get(prototype, key) !== fn);
  return describe(prototype, keys, declared, `${name}.prototype.`, context);
}

export const noMembers: ShippedMembers = { properties: [], removed: [], integrity: undefined };

function describe(
  holder: object,
  keys: readonly PropertyKey[],
  declared: readonly Member[],
  prefix: string,
  context: MemberContext,
): ShippedMembers {
  const { capture, located } = context;
  const properties: ShippedProperty[] = [];
  for (const key of keys) {
    const property = Object.getOwnPropertyDescriptor(holder, key);
    if (property === undefined || isDeclared(key, property, declared, located)) continue;
    const step: Step = { name: prefix + String(key), place: undefined };
    const part = (value: unknown): Shipped | undefined =>
      value === undefined ? undefined : capture.value(value, step);
    properties.push({
      key: typeof key === 'symbol' ? capture.symbol(key, step) : String(key),
      value: 'value' in property ? describeHeld(property.value, context, step) : undefined,
      get: part(property.get),
      set: part(property.set),
      enumerable: property.enumerable ?? false,
      configurable: property.configurable ?? false,
      writable: property.writable ?? false,
    });
  }
  const removed = declared.map(keyOf).filter((key) => key !== undefined && !Object.hasOwn(holder, key)) as string[];
  return { properties, removed, integrity: integrityOf(holder) };
}

/** Whether the text of a class makes a property as it is. */
function isDeclared(
  key: PropertyKey,
  { value, get, set, enumerable }: PropertyDescriptor,
  declared: readonly Member[],
  located: Located,
): boolean {
  const parts = [value as unknown, get, set].filter((part) => part !== undefined);
  if (parts.length === 0 || !parts.every((part) => typeof part === 'function')) return false;
  // One of a getter and a setter may have been taken away.
  const named = declared.filter((member) => keyOf(member) === key);
  if (named.some((member) => isHalf(member, 'get') && get === undefined)) return false;
  if (named.some((member) => isHalf(member, 'set') && set === undefined)) return false;
  return parts.every((part) =>
    declared.some((member) => {
      if (member.type === 'StaticBlock' || (keyOf(member) ?? key) !== key) return false;
      if (member.type === 'PropertyDefinition') return keepsInitialiser(member, part, located);
      return !enumerable && isMade(part as AnyFunction, located, member);
    }),
  );
}

function isHalf(member: Member, kind: 'get' | 'set'): boolean {
  return member.type === 'MethodDefinition' && member.kind === kind;
}

/** Whether a static field holds the very function that its initialiser makes: that is made again, as it may use `this`. */
export function keepsInitialiser({ value: init }: PropertyDefinition, value: unknown, located: Located): boolean {
  const maker = init && withoutName(init);
  const makes = maker?.type === 'ArrowFunctionExpression' || maker?.type === 'FunctionExpression';
  return makes && typeof value === 'function' && isMade(value, located, maker);
}

/** esbuild keeps names so: `static f = __name(() => 1, 'f')`. */
function withoutName(init: Expression): Expression {
  if (init.type !== 'CallExpression' || init.callee.type !== 'Identifier' || init.callee.name !== '__name') return init;
  const [made] = init.arguments;
  return made === undefined || made.type === 'SpreadElement' ? init : made;
}

/** Whether a function is the one that `node` makes, and nothing was set on it. */
function isMade(fn: AnyFunction, { script, entry }: Located, { start, end }: { start: number; end: number }): boolean {
  const text = Function.prototype.toString.call(fn);
  const isHere = script.text.startsWith(text, end - text.length) && end - text.length >= start && end <= entry.node.end;
  return isHere && Reflect.ownKeys(fn).every((key) => ownProperties.has(key));
}

/** The members a class's text has. */
export function membersOf({ entry: { node } }: Located): readonly Member[] {
  return node.type === 'ClassDeclaration' || node.type === 'ClassExpression' ? node.body.body : [];
}

/** The name of a member; `undefined` where it is computed or private. */
function keyOf(member: Member): string | undefined {
  if (member.type === 'StaticBlock' || member.computed) return undefined;
  const { key } = member;
  if (key.type === 'Identifier') return key.name;
  return key.type === 'Literal' ? String(key.value) : undefined;
}

/** Whether `value` is an ordinary object that `fn`, and no class of the language, has made. */
function isInstance(value: unknown, fn: AnyFunction): value is object {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== fn.prototype) return false;
  for (let at: unknown = fn; !isFunctionPrototype(at); at = Object.getPrototypeOf(at)) {
    if (typeof at !== 'function' || isNativeText(Function.prototype.toString.call(at))) return false;
  }
  return true;
}

function integrityOf(object: object): Integrity | undefined {
  if (Object.isExtensible(object)) return undefined;
  if (Object.isFrozen(object)) return 'frozen';
  return Object.isSealed(object) ? 'sealed' : 'fixed';
}
