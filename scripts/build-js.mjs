// Builds dist/: declarations file by file, JavaScript as few files as possible. A worker loads two files
// instead of sixty, which halves what it costs to start and saves a megabyte each (`npm run bench -- --filter first,idle`).
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { root, tool } from './run.mjs';

const { build } = createRequire(import.meta.url)('esbuild');

/** What only `mobula microbenchmark` needs is bundled into a file of its own, so that nobody installs it with mobula. */
const benchmarkPackage = 'src/bin/microbenchmark/benchmark-package.ts';
const keepApart = {
  name: 'keep-apart',
  setup({ onResolve }) {
    onResolve({ filter: /\/benchmark-package\.ts$/ }, () => ({ path: './benchmark-package.js', external: true }));
  },
};

rmSync(`${root}dist`, { recursive: true, force: true });
tool('typescript/bin/tsc', ['-p', 'tsconfig.json', '--emitDeclarationOnly']);
const common = {
  absWorkingDir: root,
  outdir: 'dist',
  outbase: 'src',
  bundle: true,
  packages: 'external',
  platform: 'node',
  target: 'node20.19',
  // Stack traces name the lines of the sources; their text would be half of the package.
  sourcemap: true,
  sourcesContent: false,
  // Errors take their names from their classes.
  keepNames: true,
  logLevel: 'warning',
};
await build({
  ...common,
  // The driver is an entry so that its relative paths hold: it finds the worker's file beside itself.
  entryPoints: [
    'src/index.ts',
    'src/boot/driver.ts',
    'src/boot/worker.ts',
    'src/core/functions/capture.ts',
    'src/bin/mobula.ts',
    'src/bin/microbenchmark/run.ts',
    // bench/ measures its rivals by the same harness and the same names.
    'src/bin/microbenchmark/harness.ts',
    'src/bin/microbenchmark/select.ts',
    'src/bin/microbenchmark/cases/index.ts',
  ],
  splitting: true,
  chunkNames: 'boot/[name]-[hash]',
  plugins: [keepApart],
  format: 'esm',
});
// For Jest on Node before 24.9, whose `require` knows no ES modules (`src/core/submit/ship.ts`).
await build({
  ...common,
  entryPoints: ['src/core/functions/capture.ts'],
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  sourcemap: false,
  define: { 'import.meta.url': 'fileUrl' },
  banner: { js: "const fileUrl = require('node:url').pathToFileURL(__filename).href;" },
});
await build({
  ...common,
  entryPoints: [benchmarkPackage],
  packages: 'bundle',
  alias: { lodash: 'lodash/lodash.min.js' },
  format: 'esm',
  minify: true,
  sourcemap: false,
});
