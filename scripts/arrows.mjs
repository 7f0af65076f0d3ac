// The arrows of src/: which folder may import which. ARCHITECTURE.md has the same table in words.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, posix } from 'node:path';
import { root } from './run.mjs';

/** A folder, and the folders that its files may import. Types count as well. */
const arrows = {
  common: [],
  native: ['common'],
  store: ['common', 'native'],
  workers: ['common', 'native'],
  gcs: ['common', 'native'],
  scheduler: ['common'],
  transport: ['common'],
  wire: ['common', 'gcs', 'scheduler', 'transport'],
  core: ['common', 'native', 'store'],
  agent: ['common', 'store', 'core'],
  boot: ['common', 'native', 'store', 'workers', 'gcs', 'scheduler', 'transport', 'wire', 'core', 'agent'],
  api: ['common', 'native', 'gcs', 'core', 'boot'],
  'index.ts': ['common', 'core', 'gcs', 'api'],
  testing: ['common', 'boot'],
  bin: ['common', 'native', 'transport', 'boot', 'index.ts'],
};

/** The imports among `files` that no arrow allows, as lines to print. */
export function forbiddenImports(files) {
  const { preProcessFile } = createRequire(import.meta.url)('typescript');
  const problems = [];
  for (const file of files.filter((name) => /^src\/.*\.ts$/.test(name))) {
    const from = file.split('/')[1];
    const allowed = arrows[from];
    if (allowed === undefined) {
      problems.push(`${file}: ${from} has no line in scripts/arrows.mjs`);
      continue;
    }
    for (const { fileName } of preProcessFile(readFileSync(`${root}${file}`, 'utf8')).importedFiles) {
      if (!fileName.startsWith('.')) continue;
      const to = posix.join(dirname(file), fileName).split('/')[1];
      if (to !== from && !allowed.includes(to))
        problems.push(`${file}: imports ${to}; ${from} may import ${allowed.join(', ') || 'nothing'}`);
    }
  }
  return problems;
}
