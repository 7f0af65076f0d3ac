import { createHash } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isFile } from '../functions/modules.ts';

/** SHA-256 in hexadecimal digits. */
export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The bytes of a file; undefined where there is none that can be read. */
export function bytesOf(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** The folder of the package `name`, as Node looks for it from `folder`: links are followed. */
export function packageFolder(folder: string, name: string): string | undefined {
  const there = join(folder, 'node_modules', name);
  if (isFile(join(there, 'package.json'))) return realpathSync(there);
  const above = dirname(folder);
  return above === folder ? undefined : packageFolder(above, name);
}

/** The `package.json` that Node takes for the one of a folder, with its folder. */
export function packageAround(folder: string): { readonly folder: string; readonly json: PackageJson } | undefined {
  const json = packageJson(folder);
  if (json !== undefined) return { folder, json };
  const above = dirname(folder);
  return above === folder ? undefined : packageAround(above);
}

/** What is of interest in a `package.json`, as far as it makes sense. */
export interface PackageJson {
  readonly name?: unknown;
  readonly version?: unknown;
  readonly exports?: unknown;
  readonly imports?: unknown;
}

export function packageJson(folder: string): PackageJson | undefined {
  try {
    const json: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return typeof json === 'object' && json !== null ? json : undefined;
  } catch {
    return undefined;
  }
}

/** The version of a package, if it has one. */
export function versionOf(json: PackageJson | undefined): string | undefined {
  return typeof json?.version === 'string' ? json.version : undefined;
}
