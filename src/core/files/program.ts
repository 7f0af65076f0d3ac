import { extname, join } from 'node:path';
import { toPath } from '../functions/modules.ts';
import { reachable, type ShippedFunction } from '../functions/shipped.ts';
import { bytesOf, hashOf } from './disk.ts';
import { type NeededChoice, type NeededFile, type NeededPackage, type Needs, nameOf } from './needs.ts';
import { type Found, find, type Site } from './resolve.ts';
import { looseSpecifiers, type Specifier, specifiersOf } from './specifiers.ts';

/** A file that was read. */
interface Source {
  readonly hash: string;
  readonly loads: readonly Specifier[];
}

/** What is collected for one function. */
interface Collected {
  readonly files: Map<string, NeededFile>;
  readonly packages: Map<string, NeededPackage>;
  readonly choices: Map<string, NeededChoice>;
}

const scripts = new Set(['.js', '.mjs', '.cjs', '.jsx', '.ts', '.mts', '.cts', '.tsx', '']);
const decoder = new TextDecoder();

/** The files of an application, as this thread finds them. Each is read once: a job has one version of it. */
export class Program {
  readonly #root: string;
  readonly #mobula: string;
  readonly #read = new Map<string, Source | undefined>();
  readonly #found = new Map<string, Found>();

  /** `mobula`: its URL in this process. */
  constructor(root: string, mobula: string) {
    this.#root = root;
    this.#mobula = mobula;
  }

  /** The files and packages that a worker will load for a function: what it imports, and all that these load with them. */
  needsOf(fn: ShippedFunction): Needs {
    const [now, late]: [Site[], Site[]] = [[], []];
    for (const item of reachable(fn)) {
      if (item.kind === 'import' && item.specifier !== this.#mobula) now.push(this.#site(item.specifier, item.parent));
      // What its own text loads, it loads when it runs.
      if (item.kind === 'function' && /\b(?:import|require)\b/.test(item.source)) {
        for (const { specifier } of looseSpecifiers(item.source)) late.push(this.#site(specifier, item.file.url));
      }
    }
    const collected: Collected = { files: new Map(), packages: new Map(), choices: new Map() };
    this.#collect(now, false, collected, late);
    this.#collect(late, true, collected, late);
    return {
      root: this.#root,
      mobula: this.#mobula,
      files: [...collected.files.values()],
      packages: [...collected.packages.values()],
      choices: [...collected.choices.values()],
    };
  }

  /** Code that stands in no file imports from the root. */
  #site(specifier: string, parent: string): Site {
    return { specifier, parent: toPath(parent) ?? join(this.#root, 'noop.js') };
  }

  /** Follows `sites`, to which it adds; what is only loaded by `import()` it adds to `later`. */
  #collect(sites: Site[], late: boolean, collected: Collected, later: Site[]): void {
    // The array grows during the walk.
    for (const site of sites) {
      const { files, packages, choices } = this.#find(site);
      for (const one of packages) addNew(collected.packages, `${one.from}\0${one.name}`, { ...one, late });
      for (const one of choices) addNew(collected.choices, `${one.from}\0${one.specifier}`, { ...one, late });
      for (const path of files) {
        for (const load of this.#take(path, late, collected)) {
          (load.late ? later : sites).push({ specifier: load.specifier, parent: path });
        }
      }
    }
  }

  /** Collects a file; gives what it loads, if that is news. */
  #take(path: string, late: boolean, { files }: Collected): readonly Specifier[] {
    const source = files.has(path) ? undefined : this.#source(path);
    if (source === undefined) return [];
    files.set(path, { name: nameOf(path, this.#root), hash: source.hash, late });
    return source.loads;
  }

  #find(site: Site): Found {
    const key = `${site.parent}\0${site.specifier}`;
    const found = this.#found.get(key) ?? find(site, this.#root);
    this.#found.set(key, found);
    return found;
  }

  #source(path: string): Source | undefined {
    if (!this.#read.has(path)) this.#read.set(path, readSource(path));
    return this.#read.get(path);
  }
}

function addNew<T>(known: Map<string, T>, key: string, value: T): void {
  if (!known.has(key)) known.set(key, value);
}

function readSource(path: string): Source | undefined {
  const bytes = bytesOf(path);
  if (bytes === undefined) return undefined;
  const loads = scripts.has(extname(path)) ? specifiersOf(decoder.decode(bytes)) : [];
  return { hash: hashOf(bytes), loads };
}
