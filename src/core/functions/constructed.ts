import { isSloppy } from './closed.ts';
import type { FunctionFacts } from './inspect.ts';
import { knownScript, type Loaded, loadScript } from './script.ts';

const head = '(function anonymous';

/**
 * Whether `new Function` made a function: then its text is its script. Having V8 list all scripts to find that one takes tens of milliseconds.
 * Such a function is sloppy and sees no scope, so where a file begins with a function that looks alike, that one means the same.
 */
export function isConstructed(facts: FunctionFacts, fn: object, text: string): boolean {
  let is = known.get(facts);
  if (is === undefined) {
    is = look(facts, fn, text);
    known.set(facts, is);
  }
  return is;
}

const known = new WeakMap<FunctionFacts, boolean>();

function look(facts: FunctionFacts, fn: object, text: string): boolean {
  const { location } = facts;
  if (location?.line !== 0 || location.column !== head.length || !text.startsWith(head.slice(1))) return false;
  if (!/^[\s\S]*\n\) \{\n[\s\S]*\n\}$/.test(text)) return false;
  if (/\b(?:import|sourceURL|sourceMappingURL)\b/.test(text)) return false;
  return isSloppy(fn) && facts.home() === 'open';
}

/** The script of such a function; `text` as it is captured. */
export function constructed(scriptId: string, text: string): Loaded | undefined {
  const source = { url: '', text: `(${text})`, startLine: 0, startColumn: 0, isModule: false };
  return knownScript(scriptId) ?? loadScript(scriptId, source, true);
}
