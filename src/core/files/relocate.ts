import { dirname, join, sep } from 'node:path';
import { isFile, toPath, toUrl } from '../functions/modules.ts';
import { reachable, type ShippedFunction } from '../functions/shipped.ts';
import { type Needs, nameOf, pathOf } from './needs.ts';

/** Where the files of an application are in this process. */
export interface Home {
  /** Its root. */
  readonly root: string;
  /** The URL of mobula. */
  readonly mobula: string;
}

/** Has a function import from this node's files: names of files become those of this node, in place. */
export function relocate(code: ShippedFunction, needs: Needs, here: Home): void {
  if (needs.root === here.root && needs.mobula === here.mobula) return;
  const moved = (file: string): string =>
    file === needs.mobula ? here.mobula : movedFile(file, needs.root, here.root);
  // Functions of one script share what names it.
  const done = new Set<object>();
  const once = (holder: object, change: () => object): void => {
    if (done.has(holder)) return;
    done.add(holder);
    Object.assign(holder, change());
  };
  for (const item of reachable(code)) {
    if (item.kind === 'function') {
      const { file } = item;
      once(file, () => ({ url: moved(file.url), sourceMap: file.sourceMap && moved(file.sourceMap) }));
    } else if (item.kind === 'import') {
      once(item, () => ({ specifier: moved(item.specifier), parent: moved(item.parent) }));
    } else if ('file' in item) {
      once(item, () => ({ file: moved(item.file) }));
    }
  }
}

/** A URL or path of a file at `from`, at `to`; anything else as it is. */
function movedFile(file: string, from: string, to: string): string {
  const path = toPath(file);
  if (path === undefined) return file;
  const name = nameOf(path, from);
  const there = name === path ? installed(path, to) : pathOf(name, to);
  if (there === path) return file;
  return file.startsWith('file:') ? toUrl(there) + (/[?#].*$/.exec(file)?.[0] ?? '') : there;
}

/** A file of a package above the root is found from the root. */
function installed(path: string, folder: string): string {
  const at = path.indexOf(`${sep}node_modules${sep}`);
  if (at < 0) return path;
  const there = join(folder, path.slice(at));
  if (isFile(there)) return there;
  const above = dirname(folder);
  return above === folder ? path : installed(path, above);
}
