import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { AnyFunction, ShippedImport } from '../functions/shipped.ts';

// The path holds in src/core/submit/ as well as in dist/boot/, where the bundled code lies.
const home = new URL('..', import.meta.url).href;
/** The URL under which every thread of this process has mobula. */
export const ownUrl: string = new URL('index.js', home).href;

/** The same, if `file` is mobula. */
export function ownModule(file: string): string | undefined {
  return file === fileURLToPath(ownUrl) ? ownUrl : undefined;
}

let names: Map<unknown, string> | undefined;

/**
 * How a worker finds its own twin of a function of mobula's. Code that a bundler made holds them in objects of its own, so a captured name does not say
 * that they were imported.
 */
export function findOwn(fn: AnyFunction, url: string): ShippedImport | undefined {
  if (!url.startsWith(home)) return undefined;
  names ??= new Map(
    Object.entries(createRequire(ownUrl)('./index.js') as object).map(([name, value]) => [value, name]),
  );
  const name = names.get(fn);
  if (name === undefined) return undefined;
  return { kind: 'import', how: 'import', specifier: ownUrl, parent: ownUrl, interop: 'none', path: [name] };
}
