import { withoutPage } from '../../common/error-page.ts';
import { isFunctionPrototype, isObjectPrototype } from './base-prototypes.ts';
import type { Capture } from './capture-context.ts';
import type { Located } from './locate.ts';
import { describeLine, placeOf } from './problem.ts';
import { freeLexicals } from './scope.ts';
import type { ScopeEntry } from './scope-chain.ts';
import { acorn } from './script.ts';
import type { AnyFunction } from './shipped.ts';

/** Refuses a function whose text means nothing outside the class, object or function it stands in. */
export function refuseLexicals(located: Located, text: string, capture: Capture, receiver: Located | undefined): void {
  const { script, entry, range, whole } = located;
  const place = (offset: number) => (): string => {
    const { line, column } = whole ? script.position(offset) : located;
    return describeLine(located.url, line, column);
  };
  for (const { name, start, owner } of freeLexicals(script.analysis, range)) {
    // At the top of a module `this` is undefined, which it will be in the worker too.
    if (name === 'this' && owner === undefined && script.isModule) continue;
    // In a static field or block it is the class.
    const ofClass = owner?.kind === 'field' && !owner.deferred && owner.parent?.node === receiver?.entry.node;
    if (name === 'this' && ofClass) continue;
    const advice =
      name === 'this'
        ? 'Take what it needs from `this` into a constant first, or pass it as an argument.'
        : 'Pass what it needs as an argument.';
    throw capture.fail({ name, place: place(start) }, `belongs to the code around the function`, advice);
  }
  const evaluated = script.analysis.evals.find(({ start }) => start >= range.start && start < range.end);
  if (evaluated !== undefined) {
    throw capture.fail(
      { name: 'eval', place: place(evaluated.start) },
      'may use any variable around the function, which its text does not tell',
      'Call it as (0, eval)(code), or use new Function(), and pass what the code needs.',
    );
  }
  const isMethod = entry.outer !== undefined;
  const ofMethod = script.analysis.lexicals.find(({ name, owner }) => name === 'super' && owner === entry.scope);
  if (isMethod && ofMethod !== undefined) {
    throw capture.fail(
      { name: 'super', place: place(ofMethod.start) },
      'means nothing outside its class or object',
      'Send the whole class, or a function.',
    );
  }
  if (text.includes('#') && !standsAlone(isMethod ? `({${text}})` : `(${text})`)) {
    throw capture.fail(
      { name: /#[\w$]+/.exec(text)?.[0] ?? '#', place: place(range.start) },
      'means nothing outside its class',
      'Send the whole class, or a function.',
    );
  }
}

/** Refuses a class, or a function used as one, whose prototype chain is not the one its text makes. */
export function refuseOtherPrototype(
  fn: AnyFunction,
  { entry }: Located,
  values: ReadonlyMap<string, ScopeEntry>,
  capture: Capture,
): void {
  const refuse = (name: string): Error =>
    capture.fail(
      { name, place: undefined },
      'inherits from another prototype than its text says',
      'Write it as a class that extends the other one, or move it into a module and import it.',
    );
  const parent: unknown = Object.getPrototypeOf(fn);
  const prototype: unknown = Object.getOwnPropertyDescriptor(fn, 'prototype')?.value;
  const { node } = entry;
  const isClass = node.type === 'ClassDeclaration' || node.type === 'ClassExpression';
  const heritage = isClass ? node.superClass : undefined;
  if (heritage?.type === 'Identifier') {
    const named = values.get(heritage.name);
    if (named?.state === 'value' && named.value !== parent) throw refuse(fn.name);
  }
  if (!heritage && !isFunctionPrototype(parent)) throw refuse(fn.name);
  if (typeof prototype !== 'object' || prototype === null || (!isClass && node.generator)) return;
  const above: unknown = Object.getPrototypeOf(prototype);
  const expected =
    heritage?.type === 'Literal' ? above === null : heritage ? above === protoOf(parent) : isObjectPrototype(above);
  if (!expected) throw refuse(`${fn.name}.prototype`);
}

function protoOf(parent: unknown): unknown {
  return typeof parent === 'function' ? (parent.prototype as unknown) : undefined;
}

/** What a remote function has and the function it was made from has not. */
export const selfMembers: ReadonlySet<string> = new Set(['remote', 'options']);

/**
 * Refuses `const f = remote(function f() { f.remote() })`: inside, `f` is not the constant.
 */
export function refuseSelf(fn: AnyFunction, { script, entry, whole }: Located, capture: Capture): void {
  const { node } = entry;
  if (node.type !== 'FunctionExpression' || !node.id) return;
  const { name, start } = node.id;
  const used = script.analysis.references.find(
    ({ binding, member }) =>
      binding?.start === start && member !== undefined && selfMembers.has(member) && !(member in fn),
  );
  if (used === undefined) return;
  throw capture.fail(
    { name: `${name}.${used.member}`, place: whole ? placeOf(script, used.start) : undefined },
    `is not there: inside the function '${name}', '${name}' is the function itself, which has no .${used.member}`,
    'Give the function expression another name.',
  );
}

/** Whether an expression uses no private names but its own. */
function standsAlone(expression: string): boolean {
  const { parse } = acorn();
  try {
    parse(expression, { ecmaVersion: 'latest', allowSuperOutsideMethod: true, allowAwaitOutsideFunction: true });
    return true;
  } catch {
    return false;
  }
}

/** The same for a value that says itself why it cannot travel now: a remote function with a signal. */
export function describeOwnRefusal(cause: unknown): { readonly problem: string; readonly advice: string } {
  const reason = reasonOf(cause);
  return { problem: 'cannot be sent to another thread', advice: reason };
}

/** Classes whose instances can be copied: what is wrong is something about the one. */
const copied: ReadonlySet<string> = new Set([
  'Object',
  'Array',
  'Map',
  'Set',
  'Date',
  'RegExp',
  'Error',
  'ArrayBuffer',
]);

/** Says why a value was refused by the codec, in words about the captured variable. */
export function describeRefusal(value: unknown, cause: unknown): { readonly problem: string; readonly advice: string } {
  const className = classOf(value);
  if (className !== undefined && !copied.has(className)) {
    return {
      problem: `is an instance of ${className}, which cannot be copied to another thread`,
      advice: `Make the ${className} inside the function or in a module that it imports, keep it in an actor, or pass plain data.`,
    };
  }
  const reason = reasonOf(cause);
  return {
    problem: `cannot be copied to another thread (${reason.replace(/\.$/, '')})`,
    advice: 'Pass what the function needs of it as an argument.',
  };
}

function classOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype || Array.isArray(value)) return undefined;
  const maker: unknown = typeof prototype === 'object' ? Reflect.get(prototype, 'constructor') : undefined;
  return typeof maker === 'function' && maker.name !== '' ? maker.name : undefined;
}

/** What an error says, without the page that the error for the user names anyway. */
function reasonOf(cause: unknown): string {
  return cause instanceof Error ? withoutPage(cause.message) : String(cause);
}
