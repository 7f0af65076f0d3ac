import { isAbsolute, join, relative, sep } from 'node:path';
import type { ShippedFunction } from '../functions/shipped.ts';

/**
 * How a file is named between nodes: by its path from the root of the application, or by its absolute path where it lies
 * outside.
 */
export type FileName = string;

/** A file of the application that a function loads. */
export interface NeededFile {
  readonly name: FileName;
  /** SHA-256 of its bytes, in hexadecimal digits. */
  readonly hash: string;
  /** Whether only an `import()`, or code of the function itself, loads it: then it may be missing until that runs. */
  readonly late: boolean;
}

/** A package that a function loads. */
export interface NeededPackage {
  readonly name: string;
  readonly version: string;
  /** The folder from which it is looked for. */
  readonly from: FileName;
  /** Where it lies, if it is a folder of the application that is linked into `node_modules`. */
  readonly at: FileName | undefined;
  readonly late: boolean;
}

/** A specifier that leaves it to Node which file is meant. */
export interface NeededChoice {
  readonly from: FileName;
  readonly specifier: string;
  readonly to: FileName;
  readonly late: boolean;
}

/** What a function needs of the files of its application, as they are where it was described. */
export interface Needs {
  /** The application's root there. */
  readonly root: string;
  /** The URL of mobula there. */
  readonly mobula: string;
  readonly files: readonly NeededFile[];
  readonly packages: readonly NeededPackage[];
  readonly choices: readonly NeededChoice[];
}

/** A function on its way through a cluster. */
export interface PlacedFunction {
  readonly kind: 'placed';
  readonly needs: Needs;
  readonly code: ShippedFunction;
}

/** The name of the file at `path` in an application at `root`. */
export function nameOf(path: string, root: string): FileName {
  const way = relative(root, path);
  return way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way) ? path : way;
}

/** The path of a file in an application at `root`. */
export function pathOf(name: FileName, root: string): string {
  return isAbsolute(name) ? name : join(root, name);
}
