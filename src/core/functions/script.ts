import { createRequire } from 'node:module';
import type { Options, Program } from 'acorn';
import { analyze } from './analyze.ts';
import type { FunctionLocation, ScriptSource } from './inspect.ts';
import type { Analysis, FunctionEntry } from './scope.ts';

type Acorn = typeof import('acorn');

let loaded: Acorn | undefined;

/** acorn, which is loaded by the first capture, so that workers that capture nothing never load it. */
export function acorn(): Acorn {
  loaded ??= createRequire(import.meta.url)('acorn') as Acorn;
  return loaded;
}

/** A script with what scope analysis found in it. */
export interface Script {
  /** Whether the text is V8's own, not one that was read from the script's file. */
  readonly exact: boolean;
  readonly url: string;
  readonly text: string;
  readonly isModule: boolean;
  readonly sourceMap: string | undefined;
  readonly analysis: Analysis;
  /** The line and column of an offset into `text`, both counted from 0. */
  position(offset: number): { readonly line: number; readonly column: number };
  /** The offset of such a line and column. */
  offset(line: number, column: number): number;
}

// An analysis is some ten times the size of its text, so memory pressure may take it; the next capture parses again.
const analysed = new Map<string, WeakRef<Script>>();
const collected = new FinalizationRegistry<string>((scriptId) => {
  if (analysed.get(scriptId)?.deref() === undefined) analysed.delete(scriptId);
});

/** A script, or only its URL where it is Node's own or does not parse. */
export type Loaded = Script | { readonly url: string };

/** The script `scriptId`, if its text has been parsed. */
export function knownScript(scriptId: string): Script | undefined {
  return analysed.get(scriptId)?.deref();
}

/** Parses and remembers a script. `exact` says whether `source` is V8's own. */
export function loadScript(scriptId: string, source: ScriptSource | undefined, exact: boolean): Loaded | undefined {
  if (source === undefined || source.url.startsWith('node:')) return source;
  const script = parseScript(source, exact);
  if (script === undefined) return { url: source.url };
  analysed.set(scriptId, new WeakRef(script));
  collected.register(script, scriptId);
  return script;
}

/** Parses and analyses a script's text. */
export function parseScript(source: ScriptSource, exact = true): Script | undefined {
  const program = parse(source);
  if (program === undefined) return undefined;
  const { text, startLine, startColumn } = source;
  const lines = lineStarts(text);
  const shift = (line: number): number => (line === 0 ? startColumn : 0);
  return {
    exact,
    url: source.url,
    text,
    isModule: source.isModule,
    sourceMap: source.sourceMap,
    analysis: analyze(program),
    position(offset) {
      const after = lines.findIndex((start) => start > offset);
      const line = (after < 0 ? lines.length : after) - 1;
      return { line: line + startLine, column: offset - (lines[line] ?? 0) + shift(line) };
    },
    offset(line, column) {
      const row = line - startLine;
      return (lines[row] ?? 0) + column - shift(row);
    },
  };
}

/** The function of `script` that V8 places at `location` and whose text is `text`. */
export function findFunction(script: Script, location: FunctionLocation, text: string): FunctionEntry | undefined {
  const offset = script.offset(location.line, location.column);
  return script.analysis.functions.find((entry) => {
    const { node, outer } = entry;
    const start = node.end - text.length;
    // A method's text starts at its key, after `static`.
    const starts = outer === undefined ? start === node.start : start >= outer.start && start <= node.start;
    return starts && start <= offset && offset < node.end && script.text.startsWith(text, start);
  });
}

/** What a function's text alone tells, for scripts whose source is not to be had. */
export function scriptOfText(text: string): { readonly script: Script; readonly entry: FunctionEntry } | undefined {
  for (const [before, after] of [
    ['(', ')'],
    ['({', '})'],
  ] as const) {
    const script = parseScript({ url: '', text: before + text + after, startLine: 0, startColumn: 0, isModule: false });
    const entry = script?.analysis.functions.find(({ node, outer }) => {
      return node.end === before.length + text.length && (outer ?? node).start === before.length;
    });
    if (script !== undefined && entry !== undefined) return { script, entry };
  }
  return undefined;
}

function parse({ text, isModule }: ScriptSource): Program | undefined {
  const { parse: parseText } = acorn();
  const options: Options = { ecmaVersion: 'latest', sourceType: isModule ? 'module' : 'script', allowHashBang: true };
  if (!isModule) Object.assign(options, { allowReturnOutsideFunction: true, allowSuperOutsideMethod: true });
  for (const attempt of [
    options,
    { ...options, sourceType: isModule ? 'script' : 'module', allowAwaitOutsideFunction: true } as const,
  ]) {
    try {
      return parseText(text, attempt);
    } catch {
      // Newer or other syntax than this attempt takes.
    }
  }
  return undefined;
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (const match of text.matchAll(/\r\n|[\n\r\u2028\u2029]/g)) starts.push(match.index + match[0].length);
  return starts;
}
