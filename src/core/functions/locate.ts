import type { FunctionFacts, Inspector } from './inspect.ts';
import type { FunctionEntry, Range } from './scope.ts';
import { findFunction, loadScript, type Script, scriptOfText } from './script.ts';

/** A function found in its script's text, or, where that is not to be had, in its own. */
export interface Located {
  readonly script: Script;
  readonly entry: FunctionEntry;
  /** The text `Function.prototype.toString` gives. */
  readonly range: Range;
  /** Whether `script` is the whole defining script, so that its bindings can be looked at. */
  readonly whole: boolean;
  readonly url: string;
  readonly line: number;
  readonly column: number;
}

/** Where a function's text comes from: found, Node's own code, or text this parser does not take. */
export type Location = Located | 'builtin' | 'unparsed';

/** Finds the text `text` of a function in the script that defines it. */
export function locateFunction(inspector: Inspector, facts: FunctionFacts, text: string): Location {
  const { location } = facts;
  const script = location && loadScript(inspector, location.scriptId);
  if (script?.url.startsWith('node:')) return 'builtin';
  if (script !== undefined && location !== undefined && 'analysis' in script) {
    const entry = findFunction(script, location, text);
    if (entry !== undefined) {
      const range = { start: entry.node.end - text.length, end: entry.node.end };
      return { script, entry, range, whole: true, url: script.url, ...script.position(range.start) };
    }
  }
  const alone = scriptOfText(text);
  if (alone === undefined) return 'unparsed';
  const start = alone.entry.node.end - text.length;
  const { line = 0, column = 0 } = location ?? {};
  return { ...alone, range: { start, end: start + text.length }, whole: false, url: script?.url ?? '', line, column };
}
