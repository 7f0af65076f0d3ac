import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { FunctionFacts, ScriptSource } from './inspect.ts';
import { loaderSetup } from './loader.ts';
import { toPath } from './modules.ts';
import type { Home } from './scope-chain.ts';

/**
 * The script of a JavaScript file, read from the file, if that is certainly what Node loaded: no loader rewrites it, it has not changed since
 * the process started, and it contains `text`, the function that is looked for.
 */
export function readSource(url: string, facts: FunctionFacts, text: string): ScriptSource | undefined {
  if (!/^file:.*\.[cm]?js(?:[?#].*)?$/.test(url) || loaderSetup() !== undefined) return undefined;
  try {
    const path = toPath(url);
    const home = facts.home();
    if (path === undefined || !isOfNode(path, home)) return undefined;
    if (statSync(path).mtimeMs >= performance.timeOrigin) return undefined;
    const source = readFileSync(path, 'utf8');
    const sourceMap = sourceMapOf(source);
    if (source.startsWith('\uFEFF') || !source.includes(text) || sourceMap === 'unclear') return undefined;
    return { url, text: source, startLine: 0, startColumn: 0, isModule: home === 'module', sourceMap };
  } catch {
    // V8 has the text.
    return undefined;
  }
}

/** Whether Node's own loaders made the script: test runners evaluate a text of their own under the file's name. */
function isOfNode(path: string, home: Home): boolean {
  return home === 'module' || (home !== 'revived' && path in createRequire(import.meta.url).cache);
}

/** What the `sourceMappingURL` comment at the end of a text says. V8 heeds such a comment anywhere. */
function sourceMapOf(text: string): string | 'unclear' | undefined {
  const mark = 'sourceMappingURL=';
  const at = text.lastIndexOf(mark);
  if (at < 0) return undefined;
  const value = /^[^\s'"]+(?=\s*$)/.exec(text.slice(at + mark.length))?.[0];
  return value !== undefined && /(?:^|\n)\/\/[#@] $/.test(text.slice(Math.max(0, at - 5), at)) ? value : 'unclear';
}
