// Of the declarations that tsc wrote, those that the public names lead to stay. tsc writes those of all that the code imports.
import { readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const { preProcessFile } = createRequire(import.meta.url)('typescript');

/** What a declaration file imports, beside it. */
function importsOf(file) {
  const relative = preProcessFile(readFileSync(file, 'utf8'), true, true).importedFiles.map(({ fileName }) => fileName);
  return relative
    .filter((name) => name.startsWith('.'))
    .map((name) => join(dirname(file), name.replace(/(?:\.d)?\.[jt]s$/, '.d.ts')));
}

/** Removes the declarations in `folder` to which none of `entries` leads, and their maps. */
export function keepDeclarations(folder, entries) {
  const kept = new Set();
  const keep = (file) => {
    if (kept.has(file)) return;
    kept.add(file);
    importsOf(file).forEach(keep);
  };
  for (const entry of entries) keep(join(folder, entry));
  for (const name of readdirSync(folder, { recursive: true })) {
    const file = join(folder, name);
    if (/\.d\.ts(?:\.map)?$/.test(name) && !kept.has(file.replace(/\.map$/, ''))) rmSync(file);
  }
  removeEmpty(folder);
}

function removeEmpty(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const path = join(folder, entry.name);
    removeEmpty(path);
    if (readdirSync(path).length === 0) rmdirSync(path);
  }
}
