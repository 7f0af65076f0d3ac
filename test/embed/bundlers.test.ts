import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { build as esbuild, type Format } from 'esbuild';
import { build as vite } from 'vite';
import webpack, { type Configuration } from 'webpack';
import { Application } from '../support/application.ts';
import { expected, sources } from './sources.ts';

const limit = { timeout: 120_000 };

/** Bundles the application at `root` into `bundle/`; gives the file to run. */
type Bundle = (root: string) => Promise<string>;

/** Top-level await, which CommonJS has not: its application is one async function. */
const wrapped =
  sources['src/main.js']?.replace(/(const numbers = put[\s\S]*)$/, 'void (async () => {\n$1})();\n') ?? '';

function withEsbuild(format: Format, minify: boolean): Bundle {
  return async (root) => {
    const file = join(root, 'bundle', format === 'cjs' ? 'main.cjs' : 'main.mjs');
    await esbuild({
      entryPoints: [join(root, 'src/main.js')],
      outfile: file,
      bundle: true,
      platform: 'node',
      format,
      minify,
      external: ['mobula'],
    });
    return file;
  };
}

function withVite(minify: boolean): Bundle {
  return async (root) => {
    await vite({
      root,
      configFile: false,
      logLevel: 'error',
      build: { ssr: 'src/main.js', outDir: 'bundle', minify },
    });
    return join(root, 'bundle', 'main.js');
  };
}

function withWebpack(mode: 'development' | 'production', format: 'esm' | 'cjs'): Bundle {
  return async (root) => {
    const esm = format === 'esm';
    const filename = esm ? 'main.mjs' : 'main.cjs';
    const configuration: Configuration = {
      context: root,
      entry: './src/main.js',
      mode,
      target: 'node20',
      output: { path: join(root, 'bundle'), filename, ...(esm ? { module: true, library: { type: 'module' } } : {}) },
      ...(esm ? { experiments: { outputModule: true } } : {}),
      externals: { mobula: esm ? 'module mobula' : 'commonjs mobula' },
    };
    await new Promise<void>((resolve, reject) => {
      webpack(configuration, (error, stats) => {
        if (error !== null) reject(error);
        else if (stats?.hasErrors() === true) reject(new Error(stats.toString()));
        else resolve();
      });
    });
    return join(root, 'bundle', filename);
  };
}

const bundlers: readonly (readonly [name: string, main: string | undefined, bundle: Bundle])[] = [
  ['esbuild, ESM', undefined, withEsbuild('esm', false)],
  ['esbuild, ESM, minified', undefined, withEsbuild('esm', true)],
  ['esbuild, CommonJS', wrapped, withEsbuild('cjs', false)],
  ['esbuild, CommonJS, minified', wrapped, withEsbuild('cjs', true)],
  ['Vite SSR', undefined, withVite(false)],
  ['Vite SSR, minified', undefined, withVite(true)],
  ['webpack, ESM, development', undefined, withWebpack('development', 'esm')],
  ['webpack, ESM, production', undefined, withWebpack('production', 'esm')],
  ['webpack, CommonJS, development', wrapped, withWebpack('development', 'cjs')],
  ['webpack, CommonJS, production', wrapped, withWebpack('production', 'cjs')],
];

for (const [name, main, bundle] of bundlers) {
  test(`${name}: tasks, actors and generators of a bundled application run`, limit, async () => {
    using application = new Application(sources);
    if (main !== undefined) application.write('src/main.js', main);
    const file = await bundle(application.root);
    const { code, output, errors } = await application.node([file]);
    assert.equal(errors, '');
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(output), expected);
  });
}
