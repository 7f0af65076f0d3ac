import { realpathSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { loaderSetup } from '../functions/loader.ts';
import { isFile, resolveFile, toPath } from '../functions/modules.ts';
import { type PackageJson, packageAround, packageFolder, packageJson, versionOf } from './disk.ts';
import { targetsOf } from './exports.ts';
import { type NeededChoice, type NeededPackage, nameOf } from './needs.ts';

/** Where a specifier stands: the path of the file, which need not be there. */
export interface Site {
  readonly specifier: string;
  readonly parent: string;
}

/** What a specifier leads to. */
export interface Found {
  readonly files: readonly string[];
  readonly packages: readonly Omit<NeededPackage, 'late'>[];
  readonly choices: readonly Omit<NeededChoice, 'late'>[];
}

const nothing: Found = { files: [], packages: [], choices: [] };
const modules = `${sep}node_modules${sep}`;

/** Finds what `site` loads, in an application at `root`. Nothing where that is Node's own, or cannot be told. */
export function find(site: Site, root: string): Found {
  const { specifier, parent } = site;
  if (isBuiltin(specifier)) return nothing;
  if (/^(?:\.{0,2}\/|\.{1,2}$|file:)/.test(specifier)) return findFile(site, root);
  if (/^[a-z][a-z+.-]+:/i.test(specifier)) return nothing;
  const [, name = '', rest = ''] = /^((?:@[^/]+\/)?[^/]+)(.*)$/.exec(specifier) ?? [];
  const around = packageAround(dirname(parent));
  if (specifier.startsWith('#'))
    return around === undefined ? nothing : findTargets(around, 'imports', specifier, root);
  // A package may name itself. mobula is the same at all nodes: the protocol sees to it.
  if (around?.json.name === name && around.json.exports !== undefined)
    return name === 'mobula' ? nothing : findTargets(around, 'exports', `.${rest}`, root);
  const folder = packageFolder(dirname(parent), name);
  if (folder !== undefined) return findPackage({ site, name, subpath: `.${rest}`, folder }, root);
  // In a folder of NODE_PATH, say.
  const elsewhere = resolved(specifier, parent);
  return elsewhere === undefined ? nothing : classified(elsewhere, root);
}

/** A file that was named by its path. */
function findFile({ specifier, parent }: Site, root: string): Found {
  const hasLoader = loaderSetup() !== undefined;
  const named = pathsOf(specifier, dirname(parent));
  if (named.some(isFile)) {
    // Loaders of TypeScript may take the source for it.
    const twins = hasLoader ? named.map((path) => path.replace(/\.([cm]?)js$/, '.$1ts')) : [];
    const files = [...new Set([...named, ...twins])].filter(isFile);
    return together(files.map((each) => classified(realpathSync(each), root)));
  }
  const byNode = resolved(specifier, parent);
  if (hasLoader) {
    const guessed = [byNode, resolveFile({ specifier, parent })].filter((each) => each !== undefined);
    return together(guessed.map((each) => classified(each, root)));
  }
  const chosen = byNode ?? resolveFile({ specifier, parent });
  if (chosen === undefined) return nothing;
  const found = classified(chosen, root);
  if (byNode === undefined) return found;
  return { ...found, choices: [{ from: nameOf(parent, root), specifier, to: nameOf(byNode, root) }] };
}

/** The paths that a specifier says: to `import` it is part of a URL, to `require` a path. */
function pathsOf(specifier: string, folder: string): string[] {
  const plain = specifier.replace(/[?#].*$/, '');
  const absolute = toPath(plain);
  if (absolute !== undefined) return [absolute];
  return [...new Set([specifier, plain, decoded(plain)])].map((each) => join(folder, each));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What Node's `require` takes a specifier for. */
function resolved(specifier: string, parent: string): string | undefined {
  try {
    return createRequire(parent).resolve(specifier);
  } catch {
    return undefined;
  }
}

/** A file of a package that has a version is known by that; any other by what is in it. */
function classified(file: string, root: string): Found {
  const at = file.lastIndexOf(modules);
  const [, name] = at < 0 ? [] : (/^((?:@[^/\\]+[/\\])?[^/\\]+)/.exec(file.slice(at + modules.length)) ?? []);
  if (name === undefined) return { ...nothing, files: [file] };
  const version = versionOf(packageJson(file.slice(0, at) + modules + name));
  if (version === undefined) return { ...nothing, files: [file] };
  return {
    ...nothing,
    packages: [{ name, version, from: lookedForFrom(file.slice(0, at) || sep, root), at: undefined }],
  };
}

/** A folder above the root is found from the root. */
function lookedForFrom(folder: string, root: string): string {
  const isAbove = root === folder || root.startsWith(folder.endsWith(sep) ? folder : folder + sep);
  return nameOf(isAbove ? root : folder, root);
}

interface PackageSite {
  readonly site: Site;
  readonly name: string;
  readonly subpath: string;
  readonly folder: string;
}

/** A package that was named. One that is linked from elsewhere is known by the files of it that are loaded. */
function findPackage({ site, name, subpath, folder }: PackageSite, root: string): Found {
  const json = packageJson(folder) ?? {};
  const version = versionOf(json);
  const from = nameOf(dirname(site.parent), root);
  if (name === 'mobula' || (version !== undefined && folder.includes(modules))) {
    return { ...nothing, packages: [{ name, version: version ?? '', from, at: undefined }] };
  }
  const linked: Found = { ...nothing, packages: [{ name, version: version ?? '', from, at: nameOf(folder, root) }] };
  if (json.exports !== undefined) return together([linked, findTargets({ folder, json }, 'exports', subpath, root)]);
  const file = resolved(site.specifier, site.parent);
  const files = file === undefined ? [] : [join(folder, 'package.json'), file];
  return together([linked, { ...nothing, files }]);
}

/** All that a specifier may lead to by the `exports` or `imports` of a package of the application. */
function findTargets(
  { folder, json }: { readonly folder: string; readonly json: PackageJson },
  field: 'exports' | 'imports',
  subpath: string,
  root: string,
): Found {
  const parent = join(folder, 'package.json');
  const targets = targetsOf(json[field], subpath).filter((specifier) => !specifier.startsWith('#'));
  return together([{ ...nothing, files: [parent] }, ...targets.map((specifier) => find({ specifier, parent }, root))]);
}

function together(all: readonly Found[]): Found {
  return {
    files: all.flatMap(({ files }) => files),
    packages: all.flatMap(({ packages }) => packages),
    choices: all.flatMap(({ choices }) => choices),
  };
}
