import { types } from 'node:util';
import { isFunctionPrototype } from './base-prototypes.ts';
import { isClosed, wordsOf } from './closed.ts';
import { isConstructed } from './constructed.ts';
import type { FunctionFacts, Inspector } from './inspect.ts';
import { isModuleFile } from './module-files.ts';
import { toPath } from './modules.ts';
import { ownProperties } from './patched.ts';
import { selfMembers } from './refusals.ts';
import { knownScript } from './script.ts';
import { isScriptVariable } from './script-variables.ts';
import type { AnyFunction } from './shipped.ts';
import { usesSourceMaps } from './source-maps.ts';

/** Where a function's text starts, counted from 0, and in what code. */
export interface Site {
  readonly url: string;
  readonly line: number;
  readonly column: number;
  readonly strict: boolean;
}

/** Words whose meaning the text alone may not tell, or that are rewritten on the way. */
const special = new Set(['import', 'super', 'eval', 'target']);
const ofArrow = new Set([...special, 'this', 'arguments']);
const ofFunction = new Set([...special, ...selfMembers]);

/** Where what `new Function` made starts, and in what code. */
const constructedSite: Site = { url: '', line: 0, column: 1, strict: false };

/** The same for a function that uses nothing but its parameters; V8 is not asked. `undefined` for any other. */
export function locateClosed(fn: AnyFunction, text: string): Site | undefined {
  return isClosed(fn, text) && isBare(fn) ? constructedSite : undefined;
}

/**
 * Where a function of an ES module, or one that `new Function` made, stands, if it takes nothing from the code around it but globals. That is
 * certain, without any parsing, where none of the words in its text is a variable of the scopes around it. `undefined` where there is any doubt.
 */
export function locatePlain(
  inspector: Inspector,
  facts: FunctionFacts,
  fn: AnyFunction,
  text: string,
): Site | undefined {
  const { location } = facts;
  // Looking at what is known already costs less.
  if (location === undefined || knownScript(location.scriptId) !== undefined) return undefined;
  const start = startOf(fn, text);
  if (start === undefined || !isBare(fn)) return undefined;
  // An escape may spell a word in another way, and a private name belongs to a class.
  if (/\\u|#/.test(text)) return undefined;
  const words = wordsOf(text);
  const doubtful = start === 0 ? ofArrow : ofFunction;
  if (words.some((word) => doubtful.has(word))) return undefined;
  if (words.some(isScriptVariable) || facts.surroundedBy(words)) return undefined;
  if (isConstructed(facts, fn, text)) return constructedSite;
  const home = facts.home();
  if ((home !== 'module' && home !== 'open') || usesSourceMaps()) return undefined;
  const url = inspector.urlOf(location.scriptId);
  if (!url?.startsWith('file:')) return undefined;
  // Test runners, which evaluate a text of their own, do so within a function: its scope would be there.
  const path = toPath(url);
  if (home === 'open' && (path === undefined || !isModuleFile(path))) return undefined;
  return { url, line: location.line, column: location.column - start, strict: true };
}

/** How far into the text of a function or arrow function V8's location is; `undefined` for methods, classes and whatever is written oddly. */
function startOf(fn: AnyFunction, text: string): number | undefined {
  const head = /^(?:async +)?function(?![\w$]) *\*? *[\w$]* *(?=\()/.exec(text);
  if (head !== null) return head[0].length;
  const isArrow =
    /^(?:\(|[\w$]+ *=>)/.test(text) || (/^async *(?:\(|[\w$]+ *=>)/.test(text) && types.isAsyncFunction(fn));
  return isArrow ? 0 : undefined;
}

/** Whether nothing was set on a function or its prototype. */
function isBare(fn: AnyFunction): boolean {
  if (!Reflect.ownKeys(fn).every((key) => ownProperties.has(key)) || !Object.isExtensible(fn)) return false;
  if (!isFunctionPrototype(Object.getPrototypeOf(fn))) return false;
  const prototype: unknown = Object.getOwnPropertyDescriptor(fn, 'prototype')?.value;
  if (prototype === undefined || types.isGeneratorFunction(fn)) return true;
  if (typeof prototype !== 'object' || prototype === null) return false;
  return Object.getPrototypeOf(prototype) === Object.prototype && Reflect.ownKeys(prototype).length === 1;
}
