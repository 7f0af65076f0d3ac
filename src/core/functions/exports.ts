import { readFileSync, statSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { importOrigin } from './bindings.ts';
import { changesLater } from './changes.ts';
import type { Inspector } from './inspect.ts';
import { loaderSetup } from './loader.ts';
import { isModuleFile } from './module-files.ts';
import { resolveFile, toPath, toUrl } from './modules.ts';
import { type Binding, runsLater } from './scope.ts';
import { parseScript, type Script } from './script.ts';

/** One export of a module, by the module's file. */
export interface ExportSite {
  readonly file: string;
  readonly name: string;
}

/** Reads the source of modules: which of their exports get new values while the program runs. */
export class ModuleSources {
  readonly #inspector: Inspector;

  constructor(inspector: Inspector) {
    this.#inspector = inspector;
  }

  /** Whether an export of an ES module may get another value after the module's own code has run. `false` where its source cannot be read. */
  changes(site: ExportSite): boolean {
    return remembered(`${site.file}\0${site.name}`, () => this.#changes(site, new Set()));
  }

  /** The same for a property of what a CommonJS module exports. */
  propertyChanges({ file, name }: ExportSite): boolean {
    return remembered(`${file}\0.${name}`, () => {
      const script = this.#script(file);
      if (script === undefined) return false;
      const { mutations, top } = script.analysis;
      return mutations.some(
        (change) =>
          change.binding === undefined &&
          change.path.length === (change.name === 'exports' ? 1 : 2) &&
          exportedAs(change.name, change.path) === name &&
          runsLater(change.scope, top),
      );
    });
  }

  /** Whether code of the module `file` changes what the export `site` holds, while it runs as a function. */
  mutates(file: string, site: ExportSite): boolean {
    const script = this.#script(file);
    if (script === undefined) return false;
    const { mutations, top } = script.analysis;
    return mutations.some(({ name, path, scope, binding }) => {
      if (!runsLater(scope, top)) return false;
      if (binding === undefined) return file === site.file && exportedAs(name, path) === site.name;
      if (binding.scope !== top) return false;
      const target = this.#target(script, binding);
      return target !== undefined && target.file === site.file && this.#names(target, site);
    });
  }

  /** Whether code of `script` may give a variable at its top another value while it runs as a function. */
  bindingChanges(script: Script, binding: Binding): boolean {
    const origin = importOrigin(binding);
    if (origin === undefined) return changesLater(binding);
    const [name] = origin.path;
    const file = resolveModule(origin.specifier, script.url);
    return file !== undefined && name !== undefined && this.changes({ file, name });
  }

  /** What a variable at the top of a module is: an export of the module itself or of the one it was imported from. */
  #target(script: Script, binding: Binding): ExportSite | undefined {
    const origin = importOrigin(binding);
    const own = toPath(script.url);
    if (origin === undefined) return own === undefined ? undefined : { file: own, name: binding.name };
    const file = resolveModule(origin.specifier, script.url);
    return file === undefined ? undefined : { file, name: origin.path[0] ?? '*' };
  }

  /** Whether `target`, a variable or an export of a module, is what the module exports as `site.name`. */
  #names(target: ExportSite, site: ExportSite): boolean {
    if (target.name === site.name || target.name === '*') return true;
    const entries = this.#script(site.file)?.analysis.exports ?? [];
    return entries.some(({ name, local, from }) => name === site.name && local === target.name && from === undefined);
  }

  #changes({ file, name }: ExportSite, seen: Set<string>): boolean {
    if (seen.has(file)) return false;
    seen.add(file);
    const script = this.#script(file);
    if (script === undefined) return false;
    const { exports, top } = script.analysis;
    // What an ES module imports of a CommonJS module by name is as it was when that was loaded.
    if (exports.length === 0) return false;
    const entry = exports.find((item) => item.name === name);
    if (entry === undefined) {
      const others = exports.filter((item) => item.name === '*');
      return others.some(({ from }) => this.#behind(script, from, name, seen));
    }
    if (entry.from !== undefined) return this.#behind(script, entry.from, entry.local, seen);
    const binding = entry.local === undefined ? undefined : top.bindings.get(entry.local);
    if (binding === undefined) return false;
    if (binding.imported === undefined) return changesLater(binding);
    const { declaration, name: imported } = binding.imported;
    return this.#behind(script, String(declaration.source.value), imported, seen);
  }

  #behind(script: Script, specifier: string | undefined, name: string | undefined, seen: Set<string>): boolean {
    if (specifier === undefined || name === undefined || name === '*') return false;
    const file = resolveModule(specifier, script.url);
    return file !== undefined && this.#changes({ file, name }, seen);
  }

  #script(file: string): Script | undefined {
    const known = scripts.get(file)?.deref();
    if (known !== undefined) return known;
    const script = readModule(file) ?? this.#loaded(file);
    if (script !== undefined) scripts.set(file, new WeakRef(script));
    return script;
  }

  #loaded(file: string): Script | undefined {
    const source = this.#inspector.findScript(({ url }) => url.includes(file) && toPath(url) === file);
    return source && parseScript(source);
  }
}

const answers = new Map<string, boolean>();
const scripts = new Map<string, WeakRef<Script>>();

function remembered(key: string, find: () => boolean): boolean {
  let answer = answers.get(key);
  if (answer === undefined) {
    answer = find();
    answers.set(key, answer);
  }
  return answer;
}

/** The file of a module of the user's own; packages are taken as they are. */
export function resolveModule(specifier: string, parent: string): string | undefined {
  if (isBuiltin(specifier)) return undefined;
  const file = resolveFile({ specifier, parent });
  return file === undefined || isPackageFile(file) || !/\.[cm]?[jt]sx?$/.test(file) ? undefined : file;
}

/** Whether a file belongs to an installed package. */
export function isPackageFile(file: string): boolean {
  return /[\\/]node_modules[\\/]/.test(file);
}

/** `n` of `exports.n` and `module.exports.n`. */
function exportedAs(name: string, path: readonly string[]): string | undefined {
  if (name === 'exports') return path[0];
  return name === 'module' && path[0] === 'exports' ? path[1] : undefined;
}

/** A JavaScript file as Node has loaded it, where nothing rewrites it and it has not changed since. */
function readModule(file: string): Script | undefined {
  if (!/\.[cm]?js$/.test(file) || loaderSetup() !== undefined) return undefined;
  try {
    if (statSync(file).mtimeMs >= performance.timeOrigin) return undefined;
    const text = readFileSync(file, 'utf8');
    const isModule = isModuleFile(file) || /^[ \t]*(?:import|export)\b/m.test(text);
    return parseScript({ url: toUrl(file), text, startLine: 0, startColumn: 0, isModule });
  } catch {
    // V8 has the text.
    return undefined;
  }
}
