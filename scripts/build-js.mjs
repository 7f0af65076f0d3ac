// Builds dist/: declarations file by file, JavaScript as few files as possible. mobula itself is a few CommonJS files: Node
// loads them sooner than ES modules, and what a driver, a worker and the functions in it import is one copy. They are cut where
// something can wait until a first thread is on its way, or is not needed in each thread (`npm run bench -- --filter first,idle`).
// `dist/boot/bundle.cjs` loads them, and keeps the compiled code for workers.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { Script } from 'node:vm';
import { keepDeclarations } from './declarations.mjs';
import { lineMap } from './line-map.mjs';
import { root, tool } from './run.mjs';

const { build, transform } = createRequire(import.meta.url)('esbuild');

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
 * `keepNames` defines the name of every function, each time it is made, closures of a call too. Classes are made once, and need
 * it. Words keep their length, so that the source map stays right.
 */
function nameClassesOnly(text) {
  return text
    .replaceAll(/(static\s*\{\s*)__name(\(\s*this,)/g, '$1__kind$2')
    .replaceAll(/(?<=[;}]|^)__name\((\w+),\s*"\1"\);/gm, (statement) => statement.replaceAll(/\S/g, ' '))
    .replaceAll(/\b__name\(/g, '__same(');
}

/** Lines may be broken anywhere. */
const importsUrl = /import\s*\.\s*meta\s*\.\s*url/;

/**
 * A file that esbuild split off, in CommonJS. Its imports become variables of its own (`const` would be checked at each use): esbuild would make each use of one a call
 * of a getter, and a third of the rate of tasks would be gone (`npm run bench -- --filter noop-10k`). No export changes, and no
 * two files import one another. Lines stay lines, so that the source map stays right.
 */
function asCommonJs(text) {
  const imports = /(?<=^|[;}\s])import\s*(?:([\w$]+)\s*,?\s*)?(?:\{([^}]*)\}\s*)?(?:from\s*)?"((?:\.\/|node:)[^"]+)";/g;
  const exports = /(?<=[;}\s])export\s*\{([^}]*)\};/;
  const made = text
    .replaceAll(imports, (whole, all, names, path) => {
      const call = `require("${path.replace(/^(\.\/.*)\.js$/, '$1.cjs')}")`;
      const list = [...(all ? [`${all}=${call}`] : [])];
      if (names) list.push(`{${names.replaceAll(/\s+as\s+/g, ':').replaceAll(/\s/g, '')}}=${call}`);
      return `${list.length > 0 ? `var ${list.join()}` : call};${'\n'.repeat(whole.split('\n').length - 1)}`;
    })
    .replace(exports, (_, names) => {
      const exported = names.replaceAll(/([\w$]+)\s+as\s+([\w$]+)/g, '$2:$1');
      return `module.exports={${exported}};`;
    });
  return made;
}

rmSync(`${root}dist`, { recursive: true, force: true });
// Of what the public names lead to: the package has no others.
tool('typescript/bin/tsc', ['-p', 'tsconfig.dist.json', '--emitDeclarationOnly']);
keepDeclarations(`${root}dist`, ['index.d.ts', 'testing/index.d.ts']);
/** What `nameClassesOnly` leaves to be called. */
const naming =
  "const __kind=(target,value)=>Object.defineProperty(target,'name',{value,configurable:true}),__same=(target)=>target;";
const url = "const fileUrl=require('node:url').pathToFileURL(__filename).href;";
const commonJs = {
  format: 'cjs',
  define: { 'import.meta.url': 'fileUrl', 'import.meta.dirname': '__dirname' },
};
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
/**
 * The parts of the bundle, each with the module whose exports it has, and loaded when it is first needed (`src/common/bundle.ts`).
 * esbuild makes a file of its own of the modules that the same parts lead to.
 */
const parts = {
  index: 'src/index.ts',
  driver: 'src/boot/driver.ts',
  worker: 'src/boot/start-worker.ts',
  capture: 'src/core/functions/capture.ts',
  cluster: 'src/boot/node.ts',
};
/**
 * What driver and worker have in common leads to all parts but the index: three files are shared then, one with what the index
 * needs, one with the start of threads, which only the index and what joins a cluster need, and one with the rest. More files
 * take longer to load.
 */
const shared = [
  'common/thrown.ts',
  'core/files/disk.ts',
  'core/files/needs.ts',
  'core/functions/imports.ts',
  'core/functions/modules.ts',
  'core/functions/origins.ts',
  'core/functions/source-maps.ts',
  'core/functions/values.ts',
  'core/run/begun.ts',
  'core/run/origin.ts',
  'core/run/task-context.ts',
  'core/runtime.ts',
  'core/telemetry/trace.ts',
  'core/values/collector.ts',
  'core/values/shared-things.ts',
  'core/values/thing-host.ts',
  'core/values/travel.ts',
  'core/wait/arrivals.ts',
  'core/wait/reasons.ts',
  'common/ids.ts',
  'gcs/replica.ts',
  'native/binding.ts',
  'store/codec/index.ts',
  'workers/assignment.ts',
  'workers/output/print.ts',
  'workers/output/ring.ts',
];
/** A plugin: the parts as modules. */
const asModules = {
  name: 'parts as modules',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^/ }, ({ path, kind }) => (kind === 'entry-point' ? { path, namespace: 'part' } : undefined));
    onLoad({ filter: /^/, namespace: 'part' }, ({ path: name }) => ({
      resolveDir: root,
      contents: [
        `export * from './${parts[name]}';`,
        ...(name === 'index' ? [] : shared.map((file) => `import './src/${file}';`)),
      ].join('\n'),
    }));
  },
};
const split = await build({
  ...common,
  entryPoints: Object.keys(parts),
  outdir: 'dist/boot',
  entryNames: '[name]-[hash]',
  chunkNames: 'shared-[hash]',
  splitting: true,
  format: 'esm',
  sourcemap: 'inline',
  metafile: true,
  write: false,
  plugins: [asModules, keepApart('bundle.ts', './bundle.cjs')],
});
const { outputs } = split.metafile;
const fileOf = (path) => `${basename(path, '.js')}.cjs`;
/** What a file of the bundle imports of the bundle, dependencies first, and itself. */
function withImports(path, files = new Set()) {
  for (const { path: imported } of outputs[path].imports) if (imported in outputs) withImports(imported, files);
  return files.add(fileOf(path));
}
mkdirSync(`${root}dist/boot`, { recursive: true });
for (const { path, text } of split.outputFiles) {
  const file = fileOf(path);
  const source = `'use strict';${naming}${importsUrl.test(text) ? url : ''}${asCommonJs(nameClassesOnly(text))}`;
  const { code, map } = await transform(source, {
    target: common.target,
    define: commonJs.define,
    sourcefile: file,
    sourcemap: 'external',
    sourcesContent: false,
    // Names stay what they are: stack traces show them.
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: common.lineLimit,
  });
  // What is left of either is no statement of a script.
  new Script(`(function () {${code}\n})`);
  if (Buffer.byteLength(code) !== code.length)
    throw new Error(`${file} is not ASCII: src/common/bundle.ts reads it as if it were`);
  if (code.includes('fileUrl') && !code.includes('fileUrl=require')) throw new Error(`${file} has no fileUrl`);
  writeFileSync(`${root}dist/boot/${file}`, `${code}//# sourceMappingURL=${file}.map\n`);
  writeFileSync(`${root}dist/boot/${file}.map`, lineMap(map));
}
const outputOf = (name) => Object.keys(outputs).find((path) => outputs[path].entryPoint === `part:${name}`);
if (split.outputFiles.length !== Object.keys(parts).length + 3)
  throw new Error(`more files are shared than three: see what they have in common\n${Object.keys(outputs).join('\n')}`);
const partFiles = Object.fromEntries(Object.keys(parts).map((name) => [name, [...withImports(outputOf(name))]]));
for (const [name, entry] of [
  ['bundle', 'src/common/bundle.ts'],
  ['worker', 'src/boot/worker.ts'],
])
  await build({
    ...common,
    ...commonJs,
    define: { ...commonJs.define, PARTS: JSON.stringify(partFiles) },
    banner: { js: "'use strict';" },
    entryPoints: [entry],
    outfile: `dist/boot/${name}.cjs`,
    keepNames: false,
    sourcemap: false,
  });
// Not an import: a loader that a program installs may give what it imports a copy of its own.
writeFileSync(
  `${root}dist/index.js`,
  `import { createRequire } from 'node:module';
export const {
${outputs[outputOf('index')].exports
  .sort()
  .map((name) => `  ${name},\n`)
  .join('')}} = createRequire(import.meta.url)('./boot/bundle.cjs').part('index');
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
  plugins: [keepApart('bundle.ts', './bundle.cjs')],
  format: 'esm',
});
/** The processes of a head, agents, and what asks a head. Their packages are in them: nobody installs `ws` and msgpackr with mobula. */
const require = "import { createRequire as requireOf } from 'node:module';const require=requireOf(import.meta.url);";
const processes = await build({
  ...common,
  outdir: 'dist',
  outbase: 'src',
  entryPoints: ['src/boot/shard.ts', 'src/boot/scheduler.ts', 'src/boot/agent.ts', 'src/boot/ask-head.ts'],
  packages: 'bundle',
  // Accelerators of ws and msgpackr that an application may have; each works without.
  external: ['bufferutil', 'utf-8-validate', 'msgpackr-extract'],
  plugins: [keepApart('bundle.ts', './bundle.cjs')],
  format: 'esm',
  splitting: true,
  chunkNames: 'boot/[name]-[hash]',
  sourcemap: false,
  write: false,
});
for (const { path, text } of processes.outputFiles) {
  // A third of an agent's time would go to the names of its closures (`npm run bench -- --cluster --filter tasks-to-node`).
  const { code } = await transform(`${naming}${nameClassesOnly(text)}`, {
    target: common.target,
    format: 'esm',
    minify: true,
    lineLimit: common.lineLimit,
  });
  writeFileSync(path, `${require}\n${code}`);
}
