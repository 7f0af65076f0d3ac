import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ErrorCode } from './error-codes.ts';

const FILE = 'docs/errors.md';

/** The section of `docs/errors.md` that explains `code`. */
export function errorSection(code: ErrorCode): string {
  return `${FILE}#${code.toLowerCase()}`;
}

/** A message without the address that ends it. */
export function withoutPage(message: string): string {
  return message.replace(/ See \S*docs\/errors\.md#\w+$/, '');
}

/** The address of the section that explains `code`: a path in the installed package. */
export function errorPage(code: ErrorCode): string {
  home ??= findHome();
  return join(home, errorSection(code));
}

let home: string | undefined;

/**
 * The folder of the package. Its code lies in it, in a clone as in an installation. In a program that a bundler has put
 * into one file the code lies elsewhere; then it is the package that the program, or the current folder, would import.
 */
function findHome(): string {
  const here = fileURLToPath(import.meta.url);
  for (let folder = dirname(here); folder !== dirname(folder); folder = dirname(folder)) {
    if (isHome(folder)) return folder;
  }
  for (const from of [here, process.argv[1], join(process.cwd(), 'program.js')]) {
    try {
      if (from !== undefined) return dirname(createRequire(from).resolve('mobula/package.json'));
    } catch {
      // Not installed there.
    }
  }
  return 'mobula';
}

function isHome(folder: string): boolean {
  if (!existsSync(join(folder, FILE))) return false;
  try {
    return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: unknown }).name === 'mobula';
  } catch {
    return false;
  }
}
