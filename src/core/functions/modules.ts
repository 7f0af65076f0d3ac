import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runsTypeScript } from './loader.ts';

const native = new Set(['.js', '.mjs', '.cjs', '.json', '.node', '.wasm']);
const typeScript = new Set(['.ts', '.mts', '.cts', '.tsx']);
const guesses = ['', '.ts', '.tsx', '.mts', '.cts', '.js', '.mjs', '.cjs', '.json', '/index.ts', '/index.js'];

/** Where an import stands: its specifier, and the URL or path of the script it stands in. */
export interface ImportSite {
  readonly specifier: string;
  readonly parent: string;
}

/**
 * Whether a worker can load a module for itself. It cannot where its source needs a loader the worker will not have, and it must not where
 * loading it would run the entry script again.
 */
export function loadsInWorker(site: ImportSite): boolean {
  if (isBuiltin(site.specifier) || site.specifier.startsWith('data:')) return true;
  const file = resolveFile(site);
  // A package, or a path only a loader understands: the worker's loader is the same as ours.
  if (file === undefined) return !isPath(site.specifier) || runsTypeScript();
  const extension = extname(file);
  const loads = native.has(extension) || extension === '' || (typeScript.has(extension) && runsTypeScript(extension));
  return loads && !reachesEntry(file);
}

/**
 * The specifier under which Node finds a module that code transformed by Vite imports; `undefined` for the project's own files, which only Vite can
 * load: its transforms, aliases and virtual modules are all its own.
 */
export function vitePackage(site: ImportSite): string | undefined {
  if (isBuiltin(site.specifier)) return site.specifier;
  const file = viteFile(site);
  return file !== undefined && /[\\/]node_modules[\\/]/.test(file) && native.has(extname(file))
    ? toUrl(file)
    : undefined;
}

/** The file behind a specifier of Vite's: `/@fs/<path>`, a URL, or a path below the project's root. */
export function viteFile({ specifier, parent }: ImportSite): string | undefined {
  const path = toPath(specifier.replace(/^\/@fs\//, '/').replace(/[?#].*$/, ''));
  if (path === undefined || existsSync(path)) return path;
  for (let folder = dirname(toPath(parent) ?? '/'); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, path))) return join(folder, path);
  }
  return undefined;
}

function isPath(specifier: string): boolean {
  return /^(?:\.{0,2}\/|file:)/.test(specifier);
}

/** The path of a script named by URL or path. */
export function toPath(file: string): string | undefined {
  if (file.startsWith('file:')) return fileURLToPath(file.replace(/[?#].*$/, ''));
  return file.startsWith('/') || /^[a-z]:[\\/]/i.test(file) ? file : undefined;
}

/** The URL of a script named by URL or path. */
export function toUrl(file: string): string {
  if (/^[a-z][a-z+.-]+:/i.test(file)) return file;
  return file.startsWith('/') || /^[a-z]:[\\/]/i.test(file) ? pathToFileURL(file).href : file;
}

/** The source file an import leads to, as far as it can be told without running a loader. */
export function resolveFile({ specifier, parent }: ImportSite): string | undefined {
  const parentPath = toPath(parent);
  if (!isPath(specifier)) {
    // Good enough to tell a package of a workspace that is written in TypeScript from an ordinary one.
    try {
      return realpathSync(createRequire(parentPath ?? toUrl(parent)).resolve(specifier));
    } catch {
      return undefined;
    }
  }
  const path =
    toPath(specifier) ??
    (parentPath === undefined ? undefined : join(dirname(parentPath), specifier.replace(/[?#].*$/, '')));
  if (path === undefined) return undefined;
  // TypeScript sources say './a.js' and mean './a.ts'.
  const stems = [path, path.replace(/\.([cm]?)js$/, '.$1ts')];
  for (const stem of stems) {
    for (const guess of guesses) if (isFile(stem + guess)) return realpathSync(stem + guess);
  }
  return undefined;
}

export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

let entry: string | undefined;

function entryFile(): string | undefined {
  if (entry === undefined && process.argv[1] !== undefined) {
    entry = resolveFile({ specifier: toUrl(process.argv[1]), parent: toUrl(process.argv[1]) }) ?? '';
  }
  return entry;
}

const importText = /(?:\bfrom|\bimport|\brequire\s*\(|\bimport\s*\()\s*(['"])((?:\.{0,2}\/|file:|#)[^'"\n]*)\1/g;

/** Whether loading `file` loads the entry script: by being it, or by importing it through any chain of the user's own files. */
function reachesEntry(file: string): boolean {
  const target = entryFile();
  if (!target) return false;
  return leadsTo(file, target);
}

/** Whether the module `file` is `target` or imports it, through any chain of the user's own files. */
export function leadsTo(file: string, target: string): boolean {
  const key = `${file}\0${target}`;
  let leads = ways.get(key);
  if (leads === undefined) {
    leads = searchFor(file, target);
    ways.set(key, leads);
  }
  return leads;
}

const ways = new Map<string, boolean>();

function searchFor(file: string, target: string): boolean {
  const seen = new Set([file]);
  // A Set walks over what is added during the walk.
  for (const next of seen) {
    if (next === target) return true;
    if (/[\\/]node_modules[\\/]/.test(next)) continue;
    for (const specifier of importsOf(next)) {
      const found = resolveFile({ specifier, parent: next });
      if (found !== undefined) seen.add(found);
    }
  }
  return false;
}

function importsOf(file: string): string[] {
  if (!/\.[cm]?[jt]sx?$/.test(file)) return [];
  try {
    return [...readFileSync(file, 'utf8').matchAll(importText)].map((match) => match[2] ?? '');
  } catch {
    return [];
  }
}
