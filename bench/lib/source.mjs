/** Parts of `src/` that nothing in `dist/` has yet, or not by themselves: compiled as they would ship. */
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = `${root}target/bench/${process.pid}/`;
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** Imports a module of `src/`, with all that it imports in one file. */
export function importSource(path) {
  const outfile = `${folder}${path.replace(/\.ts$/, '.mjs')}`;
  mkdirSync(outfile.slice(0, outfile.lastIndexOf('/')), { recursive: true });
  buildSync({
    entryPoints: [`${root}src/${path}`],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    // As in the processes that ship, closures have no names of their own.
    keepNames: false,
  });
  return import(pathToFileURL(outfile).href);
}
