import { createRequire, isBuiltin } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
// Not `constants` by name: a Node without it has to get as far as being told that it is too old.
import vm, { Script } from 'node:vm';
import { applyInterop, namespaceOf } from './interop.ts';
import { promisedMember, type ShippedImport } from './shipped.ts';

/** `import()` as seen from one file. */
export type Importer = (specifier: string, options?: ImportCallOptions) => Promise<object>;

/** What a script evaluated in place of `file` needs so that an `import()` in it works as it would in `file`. */
export function scriptOptions(file: string): {
  readonly filename: string;
  readonly importModuleDynamically: typeof vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
} {
  quietly();
  return { filename: file, importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER };
}

const importers = new Map<string, Importer>();

/** The `import()` of `file`. */
export function importerOf(file: string): Importer {
  let importer = importers.get(file);
  if (importer === undefined) {
    const script = new Script('(specifier, options) => import(specifier, options)', scriptOptions(file));
    importer = script.runInThisContext() as Importer;
    importers.set(file, importer);
  }
  return importer;
}

/** The `require` of `file`. */
export function requireOf(file: string): NodeJS.Require {
  return createRequire(/^(?:file:|\/|[a-z]:[\\/])/i.test(file) ? file : pathToFileURL(`${process.cwd()}/noop.js`));
}

/** The `import.meta` of `file`; in a worker no module is the main one. */
export function metaOf(file: string): object {
  const url = file.startsWith('/') ? pathToFileURL(file).href : file;
  const path = url.startsWith('file:') ? fileURLToPath(url) : undefined;
  return {
    url,
    ...(path !== undefined && { filename: path, dirname: dirname(path) }),
    main: false,
    resolve: (specifier: string) => resolveFrom(url, specifier),
  };
}

function resolveFrom(url: string, specifier: string): string {
  if (isBuiltin(specifier)) return specifier.startsWith('node:') ? specifier : `node:${specifier}`;
  if (/^\.{0,2}\//.test(specifier) || URL.canParse(specifier)) return new URL(specifier, url).href;
  return pathToFileURL(requireOf(url).resolve(specifier)).href;
}

/** Loads what was imported: at once where that can be, or as a promise. */
export function loadImport({ how, specifier, parent, interop, path }: ShippedImport): unknown {
  if (how === 'require') return follow(applyInterop(requireOf(parent)(specifier), interop), path);
  if (isBuiltin(specifier)) return follow(namespaceOf(process.getBuiltinModule(specifier)), path);
  return importerOf(parent)(specifier).then((module) => follow(applyInterop(module, interop), path));
}

/** Follows property names from a value. */
export function follow(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (current, name) => Reflect.get(Object(current) as object, name === promisedMember ? promisify.custom : name),
    value,
  );
}

let isQuiet = false;

/**
 * Node prints a warning, once, when an `import()` first goes through USE_MAIN_CONTEXT_DEFAULT_LOADER. It is meant for whoever chose that loader, which the
 * user of mobula did not; so the first one is made here.
 */
function quietly(): void {
  if (isQuiet) return;
  isQuiet = true;
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    const first = new Script('import("node:process")', {
      importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    (first.runInThisContext() as Promise<unknown>).catch(() => undefined);
  } finally {
    process.emitWarning = emitWarning;
  }
}
