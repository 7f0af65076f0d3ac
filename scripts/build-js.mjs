// Builds dist/: declarations file by file, JavaScript as few files as possible. All of mobula is one CommonJS file,
// `dist/boot/all.cjs`: Node loads it sooner than ES modules, and what a driver, a worker and the functions in it import is
// one copy (`npm run bench -- --filter first,idle`). `dist/boot/compiled.cjs` loads it, and keeps the compiled code for workers.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { root, tool } from './run.mjs';

const { build } = createRequire(import.meta.url)('esbuild');

/** What only `mobula microbenchmark` needs is bundled into a file of its own, so that nobody installs it with mobula. */
const benchmarkPackage = 'src/bin/microbenchmark/benchmark-package.ts';
/** A plugin: imports that end with `suffix` stay imports, of `path`. */
const keepApart = (suffix, path) => ({
  name: `keep ${suffix} apart`,
  setup({ onResolve }) {
    onResolve({ filter: new RegExp(`/${suffix.replace('.', '\\.')}$`) }, () => ({ path, external: true }));
  },
});

/**
 * `keepNames` defines the name of every function, each time it is made, closures of a call too. Classes are
 * made once, and need it. Words keep their length, so that the source map stays right.
 */
function nameClassesOnly(file) {
  const text = readFileSync(file, 'utf8');
  const define = 'var __name=(target,value)=>__defProp(target,"name",{value,configurable:true});';
  const inClass = /(static\{\s*)__name(\(\s*this,)/g;
  if (!(text.includes(define) && inClass.test(text))) throw new Error('esbuild writes names in another way');
  const named = text
    .replace(define, `${define.replace('__name', '__kind')}var __name=target=>target;`)
    .replaceAll(inClass, '$1__kind$2');
  writeFileSync(file, named);
}

rmSync(`${root}dist`, { recursive: true, force: true });
// Of what the public names lead to: the package has no others.
tool('typescript/bin/tsc', ['-p', 'tsconfig.dist.json', '--emitDeclarationOnly']);
const common = {
  absWorkingDir: root,
  bundle: true,
  packages: 'external',
  platform: 'node',
  target: 'node20.19',
  // Stack traces name the lines of the sources; their text would be half of the package.
  sourcemap: true,
  sourcesContent: false,
  // Errors take their names from their classes.
  keepNames: true,
  // Node reads and compiles it sooner.
  minifyWhitespace: true,
  lineLimit: 160,
  logLevel: 'warning',
};
const commonJs = {
  ...common,
  format: 'cjs',
  define: { 'import.meta.url': 'fileUrl' },
  banner: { js: "'use strict';\nconst fileUrl = require('node:url').pathToFileURL(__filename).href;" },
};
await build({
  ...commonJs,
  stdin: {
    contents: `export * from './src/index.ts';
export { startWorker } from './src/boot/start-worker.ts';
export { startNode } from './src/boot/node.ts';`,
    resolveDir: root,
    sourcefile: 'mobula.ts',
  },
  // The paths of other files hold in src/boot/ too.
  outfile: 'dist/boot/all.cjs',
  plugins: [keepApart('compiled.ts', './compiled.cjs')],
});
nameClassesOnly(`${root}dist/boot/all.cjs`);
await build({
  ...commonJs,
  entryPoints: ['src/boot/compiled.ts'],
  outfile: 'dist/boot/compiled.cjs',
  sourcemap: false,
});
await build({
  ...common,
  format: 'cjs',
  entryPoints: ['src/boot/worker.ts'],
  outfile: 'dist/boot/worker.cjs',
  sourcemap: false,
  plugins: [keepApart('compiled.ts', './compiled.cjs')],
});
const { metafile } = await build({
  ...common,
  entryPoints: ['src/index.ts'],
  outfile: 'dist/index.js',
  format: 'esm',
  metafile: true,
  write: false,
});
const names = metafile.outputs['dist/index.js'].exports.sort();
// Not an import: a loader that a program installs may give what it imports a copy of its own.
writeFileSync(
  `${root}dist/index.js`,
  `import { createRequire } from 'node:module';
export const {
${names.map((name) => `  ${name},\n`).join('')}} = createRequire(import.meta.url)('./boot/compiled.cjs').loadCode();
`,
);
await build({
  ...common,
  outdir: 'dist',
  outbase: 'src',
  entryPoints: [
    'src/bin/mobula.ts',
    'src/boot/head.ts',
    'src/boot/detached.ts',
    'src/testing/index.ts',
    'src/bin/microbenchmark/run.ts',
    // bench/ measures its rivals by the same harness and the same names.
    'src/bin/microbenchmark/harness.ts',
    'src/bin/microbenchmark/select.ts',
    'src/bin/microbenchmark/cases/index.ts',
  ],
  splitting: true,
  chunkNames: 'boot/[name]-[hash]',
  // The commands import mobula as programs do.
  plugins: [
    keepApart('benchmark-package.ts', './benchmark-package.js'),
    keepApart('../index.ts', 'mobula'),
    keepApart('ask-head.ts', '../boot/ask-head.js'),
    keepApart('report-exit.ts', '../boot/report-exit.js'),
  ],
  format: 'esm',
});
await build({
  ...common,
  outdir: 'dist',
  outbase: 'src',
  entryPoints: [benchmarkPackage],
  packages: 'bundle',
  alias: { lodash: 'lodash/lodash.min.js' },
  format: 'esm',
  minify: true,
  sourcemap: false,
});
await build({
  ...common,
  outdir: 'dist',
  outbase: 'src',
  entryPoints: ['src/boot/node-process.ts'],
  plugins: [keepApart('compiled.ts', './compiled.cjs')],
  format: 'esm',
});
/** The processes of a head, agents, and what asks a head. Their packages are in them: nobody installs `ws` and msgpackr with mobula. */
const require = "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);";
await build({
  ...common,
  outdir: 'dist',
  outbase: 'src',
  entryPoints: ['shard', 'scheduler', 'agent', 'ask-head', 'report-exit'].map((name) => `src/boot/${name}.ts`),
  packages: 'bundle',
  // Accelerators of ws and msgpackr that an application may have; each works without.
  external: ['bufferutil', 'utf-8-validate', 'msgpackr-extract'],
  format: 'esm',
  banner: { js: require },
  splitting: true,
  chunkNames: 'boot/[name]-[hash]',
  minify: true,
  sourcemap: false,
});
