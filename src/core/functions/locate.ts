import { readSource } from './files.ts';
import type { FunctionFacts, FunctionLocation, Inspector } from './inspect.ts';
import type { FunctionEntry, Range } from './scope.ts';
import { findFunction, knownScript, loadScript, type Script, scriptOfText } from './script.ts';

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
  const near = location && (locateIn(knownScript(location.scriptId), location, text) ?? locateInFile(inspector, facts, location, text));
  if (near !== undefined) return near;
  const script = location && loadScript(location.scriptId, inspector.script(location.scriptId), true);
  if (script?.url.startsWith('node:')) return 'builtin';
  const located = location && script && 'analysis' in script ? locateIn(script, location, text) : undefined;
  if (located !== undefined) return located;
  const alone = scriptOfText(text);
  if (alone === undefined) return 'unparsed';
  const start = alone.entry.node.end - text.length;
  const { line = 0, column = 0 } = location ?? {};
  return { ...alone, range: { start, end: start + text.length }, whole: false, url: script?.url ?? '', line, column };
}

function locateIn(script: Script | undefined, location: FunctionLocation, text: string): Located | undefined {
  const entry = script && findFunction(script, location, text);
  if (script === undefined || entry === undefined) return undefined;
  const range = { start: entry.node.end - text.length, end: entry.node.end };
  return { script, entry, range, whole: true, url: script.url, ...script.position(range.start) };
}

/** Reads the file instead of asking V8, which would first list every script. It counts only where the function stands where V8 says. */
function locateInFile(
  inspector: Inspector,
  facts: FunctionFacts,
  location: FunctionLocation,
  text: string,
): Located | undefined {
  if (knownScript(location.scriptId) !== undefined) return undefined;
  const url = inspector.urlOf(location.scriptId);
  const script = loadScript(location.scriptId, url === undefined ? undefined : readSource(url, facts.home, text), false);
  return script && 'analysis' in script ? locateIn(script, location, text) : undefined;
}
