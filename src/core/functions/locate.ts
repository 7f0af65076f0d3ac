import { constructed, isConstructed } from './constructed.ts';
import { readSource } from './files.ts';
import type { FunctionFacts, FunctionLocation, Inspector } from './inspect.ts';
import type { FunctionEntry, Range } from './scope.ts';
import { findFunction, knownScript, type Loaded, loadScript, type Script, scriptOfText } from './script.ts';

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
export function locateFunction(inspector: Inspector, facts: FunctionFacts, fn: object, text: string): Location {
  const { location } = facts;
  const script =
    location &&
    (isConstructed(facts, fn, text)
      ? constructed(location.scriptId, text)
      : defining(inspector, facts, location, text));
  if (script?.url.startsWith('node:')) return 'builtin';
  const located = location && locateIn(script, location, text);
  if (located !== undefined) return located;
  const alone = scriptOfText(text);
  if (alone === undefined) return 'unparsed';
  const start = alone.entry.node.end - text.length;
  const { line = 0, column = 0 } = location ?? {};
  return { ...alone, range: { start, end: start + text.length }, whole: false, url: script?.url ?? '', line, column };
}

/** The script at `location`: as its file has it if `text` stands there, or else as V8 has it, which first lists every script. */
function defining(
  inspector: Inspector,
  facts: FunctionFacts,
  location: FunctionLocation,
  text: string,
): Loaded | undefined {
  const known = knownScript(location.scriptId) ?? fromFile(inspector, facts, location, text);
  if (known?.exact || locateIn(known, location, text) !== undefined) return known;
  return loadScript(location.scriptId, inspector.script(location.scriptId), true);
}

function fromFile(
  inspector: Inspector,
  facts: FunctionFacts,
  { scriptId }: FunctionLocation,
  text: string,
): Script | undefined {
  const url = inspector.urlOf(scriptId);
  const source = url === undefined ? undefined : readSource(url, facts, text);
  const script = source && loadScript(scriptId, source, false);
  return script && 'analysis' in script ? script : undefined;
}

function locateIn(script: Loaded | undefined, location: FunctionLocation, text: string): Located | undefined {
  if (script === undefined || !('analysis' in script)) return undefined;
  const entry = findFunction(script, location, text);
  if (entry === undefined) return undefined;
  const range = { start: entry.node.end - text.length, end: entry.node.end };
  return { script, entry, range, whole: true, url: script.url, ...script.position(range.start) };
}
