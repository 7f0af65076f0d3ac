/** Parts of this tree as one file each: the package exports none of them. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Bundles src/transport/ of this tree; gives the file's URL. It is gone when this process ends. */
export const buildTransport = () => buildModule({ entryPoints: [join(root, 'src/transport/index.ts')] });

/** Bundles a module of this tree, as `buildTransport`. `input`: esbuild's `entryPoints` or `stdin`. */
export async function buildModule(input) {
  // In the tree, so that its packages are found.
  mkdirSync(join(root, 'target'), { recursive: true });
  const folder = mkdtempSync(join(root, 'target/module-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'module.mjs');
  await build({
    ...input,
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
  });
  return pathToFileURL(outfile).href;
}
