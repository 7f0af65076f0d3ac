import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from '@swc/core';
import { build } from 'esbuild';
import ts from 'typescript';
import { Application, repository } from '../support/application.ts';

/** Files of programs that only some loaders can load. All others are for every loader. */
const special = {
  /** Uses `import.meta` and top-level await. */
  esm: 'esm.ts',
  /** TypeScript's old decorators. */
  legacy: 'decorators-legacy.ts',
  /** The decorators of the language. */
  standard: 'decorators-standard.ts',
} as const;

/** A way to run the programs. */
export interface Loader {
  readonly name: string;
  /** Why it cannot run here. */
  readonly missing?: string;
  readonly commonJs?: boolean;
  /** Special files it loads, or the only files that it loads. */
  readonly with?: readonly (keyof typeof special)[];
  readonly only?: readonly (keyof typeof special)[];
  readonly minified?: boolean;
  /** What becomes part of the script's text: the application's own modules, or packages too. */
  readonly inlined?: 'modules' | 'packages';
  /** Makes what is to be run out of `programs/`; gives what follows `node`. */
  readonly prepare: (application: Application, entry: string) => Promise<readonly string[]> | readonly string[];
}

const stripsTypes = Boolean(Reflect.get(process.features, 'typescript'));

export const loaders: readonly Loader[] = [
  { name: 'javascript', with: ['esm', 'legacy', 'standard'], prepare: compiled(withTypeScript('esm')) },
  {
    name: 'javascript-commonjs',
    commonJs: true,
    with: ['legacy', 'standard'],
    prepare: compiled(withTypeScript('commonjs')),
  },
  { name: 'tsx', with: ['esm', 'standard'], prepare: (_, entry) => ['--import', 'tsx', entry] },
  { name: 'tsx-commonjs', commonJs: true, with: ['standard'], prepare: (_, entry) => ['--import', 'tsx', entry] },
  { name: 'tsx-experimental-decorators', only: ['legacy'], prepare: tsxLegacy },
  {
    name: 'type-stripping',
    ...(stripsTypes ? {} : { missing: `Node ${process.versions.node} does not run TypeScript` }),
    with: ['esm'],
    prepare: (_, entry) => ['--disable-warning=ExperimentalWarning', entry],
  },
  { name: 'esbuild', inlined: 'packages', with: ['esm', 'legacy', 'standard'], prepare: bundled(false) },
  {
    name: 'esbuild-minified',
    with: ['esm', 'legacy', 'standard'],
    minified: true,
    inlined: 'packages',
    prepare: bundled(true),
  },
  { name: 'swc', with: ['esm', 'legacy', 'standard'], prepare: compiled(withSwc('es6')) },
  { name: 'swc-commonjs', commonJs: true, with: ['legacy', 'standard'], prepare: compiled(withSwc('commonjs')) },
  { name: 'vitest', inlined: 'modules', with: ['esm', 'legacy'], prepare: underVitest },
];

/** Packages that programs import. */
const packages = ['lodash', 'tsx', 'vitest', 'esbuild', 'typescript'];

/** An application with the programs in it, as `loader` needs them. */
export async function applicationFor(
  loader: Loader,
): Promise<{ readonly application: Application; readonly command: readonly string[] }> {
  const application = new Application({}, loader.commonJs === true ? {} : { type: 'module' });
  for (const name of packages) application.link(name);
  for (const folder of ['inside', 'programs']) {
    cpSync(join(repository, 'test/battery', folder), join(application.root, folder), { recursive: true });
  }
  const areas = areasOf(loader);
  const lists = areas.map((area) => `import { programs as ${identifier(area)} } from './${area}.ts';`);
  const table = areas.map((area) => `  '${area}': ${identifier(area)},`);
  application.write('programs/areas.ts', `${lists.join('\n')}\nexport const areas = {\n${table.join('\n')}\n};\n`);
  return { application, command: await loader.prepare(application, 'programs/entry.ts') };
}

/** The files whose programs a loader runs, without their endings. */
function areasOf(loader: Loader): string[] {
  const files = readdirSync(join(repository, 'test/battery/programs')).filter((name) => name.endsWith('.ts'));
  const chosen = (kinds: readonly (keyof typeof special)[] | undefined): string[] =>
    (kinds ?? []).map((kind) => special[kind]);
  const ordinary = files.filter((name) => name !== 'entry.ts' && !Object.values<string>(special).includes(name));
  const wanted = loader.only === undefined ? [...ordinary, ...chosen(loader.with)] : chosen(loader.only);
  return wanted.map((name) => name.replace(/\.ts$/, '')).sort();
}

function identifier(area: string): string {
  return area.replaceAll('-', '_');
}

/** Compiles one file of TypeScript. */
type Compile = (text: string, file: string) => string;

/** Each file compiled by itself, into `out/`. */
function compiled(compile: Compile): Loader['prepare'] {
  return (application, entry) => {
    for (const name of readdirSync(application.root, { recursive: true, encoding: 'utf8' })) {
      if (!/^(inside|programs)\//.test(name)) continue;
      if (name.endsWith('.ts')) {
        const text = compile(readFileSync(join(application.root, name), 'utf8'), name);
        application.write(`out/${name.replace(/ts$/, 'js')}`, text);
      } else if (/\.(json|cjs|mjs)$/.test(name)) {
        application.write(`out/${name}`, readFileSync(join(application.root, name), 'utf8'));
      }
    }
    return [`out/${entry.replace(/ts$/, 'js')}`];
  };
}

function withTypeScript(format: 'esm' | 'commonjs'): Compile {
  return (text, file) =>
    ts.transpileModule(text, {
      fileName: file,
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: format === 'esm' ? ts.ModuleKind.ES2022 : ts.ModuleKind.CommonJS,
        esModuleInterop: true,
        rewriteRelativeImportExtensions: true,
        experimentalDecorators: file.endsWith(special.legacy),
      },
    }).outputText;
}

function withSwc(type: 'es6' | 'commonjs'): Compile {
  return (text, file) =>
    transformSync(text, {
      filename: file,
      swcrc: false,
      module: { type },
      jsc: {
        target: 'es2022',
        parser: { syntax: 'typescript', decorators: true },
        transform: file.endsWith(special.legacy) ? { legacyDecorator: true } : { decoratorVersion: '2022-03' },
      },
    }).code.replaceAll(/(['"]\.[^'"\n]*)\.ts(['"])/g, '$1.js$2');
}

function tsxLegacy(application: Application, entry: string): readonly string[] {
  application.write('tsconfig.json', JSON.stringify({ compilerOptions: { experimentalDecorators: true } }));
  return ['--import', 'tsx', entry];
}

function bundled(minify: boolean): Loader['prepare'] {
  return async (application, entry) => {
    const legacy = { compilerOptions: { experimentalDecorators: true } };
    await build({
      absWorkingDir: application.root,
      entryPoints: [entry],
      outfile: 'bundle/main.mjs',
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20.19',
      minify,
      external: ['mobula'],
      // What a bundle of CommonJS packages needs in an ES module.
      banner: {
        js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
      },
      logLevel: 'error',
      plugins: [
        {
          name: 'legacy-decorators',
          setup({ onLoad }) {
            onLoad({ filter: /decorators-legacy\.ts$/ }, async ({ path }) => {
              const { transform } = await import('esbuild');
              const text = readFileSync(path, 'utf8');
              const { code } = await transform(text, { loader: 'ts', tsconfigRaw: legacy, target: 'node20.19' });
              return { contents: code, loader: 'js' };
            });
          },
        },
      ],
    });
    return ['bundle/main.mjs'];
  };
}

function underVitest(application: Application, entry: string): readonly string[] {
  application.write('tsconfig.json', JSON.stringify({ compilerOptions: { experimentalDecorators: true } }));
  const text = readFileSync(join(application.root, entry), 'utf8');
  const run = "\nimport { test } from 'vitest';\ntest('battery', () => done, 300_000);\n";
  application.write(entry.replace(/ts$/, 'test.ts'), text + run);
  return ['node_modules/vitest/vitest.mjs', 'run', '--no-color'];
}
