/** A client of a head as one file: no part of the package loads it yet. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Bundles src/wire/ of this tree, and what writes operations; gives the module. Its file is gone when this process ends. */
export async function importWire() {
  // In the tree, so that its packages are found.
  mkdirSync(join(root, 'target'), { recursive: true });
  const folder = mkdtempSync(join(root, 'target/wire-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'wire.mjs');
  await build({
    stdin: {
      contents: `export * from './src/wire/index.ts';
export { Op, OpWriter, Table } from './src/gcs/shard/index.ts';
export { version } from './src/common/version.ts';`,
      resolveDir: root,
    },
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
  });
  return import(pathToFileURL(outfile).href);
}
