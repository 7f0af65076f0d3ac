// Builds dist/: declarations file by file, JavaScript as few files as possible. A worker loads two files
// instead of sixty, which halves what it costs to start and saves a megabyte each (`npm run bench -- --filter first,idle`).
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { root, tool } from './run.mjs';

const { build } = createRequire(import.meta.url)('esbuild');

rmSync(`${root}dist`, { recursive: true, force: true });
tool('typescript/bin/tsc', ['-p', 'tsconfig.json', '--emitDeclarationOnly']);
await build({
  absWorkingDir: root,
  // The driver is an entry so that its relative paths hold: it finds the worker's file beside itself.
  entryPoints: [
    'src/index.ts',
    'src/boot/driver.ts',
    'src/boot/worker.ts',
    'src/core/functions/capture.ts',
    'src/bin/mobula.ts',
  ],
  outdir: 'dist',
  outbase: 'src',
  bundle: true,
  splitting: true,
  chunkNames: 'boot/[name]-[hash]',
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  sourcemap: true,
  // Errors take their names from their classes.
  keepNames: true,
  logLevel: 'warning',
});
