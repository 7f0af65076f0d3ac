/** The transport as one file: no part of the package loads it yet. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Bundles src/transport/ of this tree; gives the file's URL. It is gone when this process ends. */
export const buildTransport = () => buildModule('src/transport/index.ts');

/** Bundles a module of this tree, as `buildTransport`. */
export async function buildModule(path) {
  // In the tree, so that its packages are found.
  mkdirSync(join(root, 'target'), { recursive: true });
  const folder = mkdtempSync(join(root, 'target/transport-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'transport.mjs');
  await build({
    entryPoints: [join(root, path)],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
  });
  return pathToFileURL(outfile).href;
}
