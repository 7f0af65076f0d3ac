import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { after } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync, transformSync } from 'esbuild';
import { expected, expectedCommonJs } from './expected.ts';

/** One line of a fixture's report. */
interface Outcome {
  readonly name: string;
  readonly value?: unknown;
  readonly error?: string;
}

const root = findRoot(dirname(fileURLToPath(import.meta.url)));
const project = mkdtempSync(join(tmpdir(), 'mobula-functions-'));
after(() => rmSync(project, { recursive: true, force: true }));

cpSync(join(root, 'test/unit/functions/fixtures'), project, { recursive: true });
symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'));
writeFileSync(join(project, 'package.json'), '{"type":"module"}');
const functions = join(project, 'functions.mjs');
build('src/core/functions/index.ts', functions, {});

const thrownAt = lineOf('subject.ts', 'throw new RangeError');

/** Ways to run the same TypeScript program. `prepare` makes the files, `run` is what follows `node`. */
interface Column {
  readonly name: string;
  readonly skip?: string | false;
  readonly prepare?: () => void;
  readonly run: (script: 'subject' | 'importer') => readonly string[];
  /** Where a stack trace says that `never` threw. */
  readonly stack?: string;
  readonly minified?: boolean;
}

const columns: readonly Column[] = [
  { name: 'JavaScript', prepare: toJavaScript, run: (script) => [`js/${script}.js`] },
  { name: 'tsx', run: (script) => ['--import', 'tsx', `${script}.ts`], stack: `subject.ts:${thrownAt}:` },
  {
    name: "Node's type stripping",
    skip: !Reflect.get(process.features, 'typescript') && `Node ${process.versions.node} does not run TypeScript`,
    run: (script) => [`${script}.ts`],
    stack: `subject.ts:${thrownAt}:`,
  },
  { name: 'esbuild bundle', prepare: () => bundle('bundle', {}), run: (script) => [`bundle/${script}.js`] },
  {
    name: 'minified esbuild bundle with a source map',
    prepare: () => bundle('minified', { minify: true, keepNames: true, sourcemap: true }),
    run: (script) => ['--enable-source-maps', `minified/${script}.js`],
    stack: `subject.ts:${thrownAt}:`,
    minified: true,
  },
  { name: 'vitest', prepare: toVitest, run: (script) => vitest(script, 'forks') },
  { name: 'vitest in a node:vm context', prepare: toVitest, run: (script) => vitest(script, 'vmThreads') },
];

for (const column of columns) {
  for (const script of ['subject', 'importer'] as const) {
    const where = script === 'subject' ? 'the entry script' : 'an imported module';
    test(`functions of ${where}: ${column.name}`, { skip: column.skip ?? false }, (t) => {
      column.prepare?.();
      const { outcomes, output } = runNode(column.run(script));
      // Vitest collects a file before it runs the tests in it; every other column calls before `late` has its value.
      const table = expected({ lateHasValue: script === 'importer' || column.name.startsWith('vitest') });
      compare(outcomes, table, column, t.name);
      assert.equal(output.split('EFFECT').length - 1, 1, `the top level of the script ran once:\n${output}`);
    });
  }
}

test('functions of a CommonJS script', () => {
  compare(runNode(['commonjs.cjs']).outcomes, expectedCommonJs, { name: 'CommonJS', run: () => [] }, 'CommonJS');
});

test('nothing of the entry script runs again, and functions travel on from a worker', () => {
  const effects = join(project, 'effects.txt');
  const { outcomes } = runNode(['cycle-main.mjs'], { MOBULA_EFFECTS: effects });
  assert.deepEqual(outcomes, [
    { name: 'viaMain', value: 'main1' },
    { name: 'config', value: 1 },
    { name: 'onward', value: [1, 10, 'main', true] },
  ]);
  assert.equal(readFileSync(effects, 'utf8'), 'mid\nmain\n');
});

function compare(
  outcomes: readonly Outcome[],
  table: Readonly<Record<string, unknown>>,
  column: Column,
  title: string,
): void {
  assert.deepEqual(
    outcomes.map(({ name }) => name),
    Object.keys(table),
    title,
  );
  for (const { name, value, error } of outcomes) {
    const wanted = table[name];
    if (name === 'stack') {
      assert.match(String(value), column.stack === undefined ? /[jt]s:\d+:\d+/ : new RegExp(column.stack), title);
    } else if (wanted instanceof RegExp) {
      const names = column.minified ? new RegExp(wanted.source.replaceAll(/'[\w$]+'/g, "'[\\w$]+'")) : wanted;
      assert.match(error ?? `no error, but ${JSON.stringify(value)}`, names, `${title}: ${name}`);
    } else assert.deepEqual(value, wanted, `${title}: ${name}: ${error}`);
  }
}

function runNode(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { outcomes: Outcome[]; output: string } {
  const report = join(project, 'report.txt');
  rmSync(report, { force: true });
  const { NODE_OPTIONS: _options, NODE_TEST_CONTEXT: _context, ...inherited } = process.env;
  const child = spawnSync(process.execPath, args, {
    cwd: project,
    encoding: 'utf8',
    env: { ...inherited, ...env, MOBULA_FUNCTIONS: pathToFileURL(functions).href, MOBULA_REPORT: report },
    timeout: 120_000,
  });
  const output = child.stdout + child.stderr;
  assert.ok(existsSync(report), `no report:\n${output}`);
  const outcomes = readFileSync(report, 'utf8').trim().split('\n');
  return { outcomes: outcomes.map((line) => JSON.parse(line.replace(/^CASE /, '')) as Outcome), output };
}

function toJavaScript(): void {
  copyHarness('js');
  for (const file of readdirSync(project).filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))) {
    const { code } = transformSync(readFileSync(join(project, file), 'utf8'), {
      loader: 'ts',
      format: 'esm',
      target: 'es2022',
    });
    writeFileSync(join(project, 'js', file.replace(/ts$/, 'js')), code.replaceAll('.ts"', '.js"'));
  }
}

function toVitest(): void {
  copyHarness('vitest');
  for (const file of ['subject.ts', 'lib.ts', 'deep.ts']) cpSync(join(project, file), join(project, 'vitest', file));
  const run = "\nimport { test } from 'vitest';\ntest('all', () => report(cases), 60_000);\n";
  writeFileSync(join(project, 'vitest/subject.test.ts'), readFileSync(join(project, 'subject.ts'), 'utf8') + run);
  const imports = "import { report } from './harness.mjs';\nimport { cases } from './subject.ts';";
  writeFileSync(join(project, 'vitest/importer.test.ts'), imports + run);
}

function vitest(script: string, pool: string): string[] {
  return ['node_modules/vitest/vitest.mjs', 'run', '--root', 'vitest', '--pool', pool, `${script}.test.ts`];
}

function bundle(folder: string, options: Parameters<typeof buildSync>[0]): void {
  copyHarness(folder);
  for (const script of ['subject', 'importer']) {
    build(join(project, `${script}.ts`), join(project, folder, `${script}.js`), options);
  }
}

function build(entry: string, outfile: string, options: Parameters<typeof buildSync>[0]): void {
  buildSync({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'es2022',
    external: ['acorn', './harness.mjs'],
    ...options,
  });
}

function copyHarness(folder: string): void {
  for (const file of ['harness.mjs', 'bootstrap.mjs', 'package.json'])
    cpSync(join(project, file), join(project, folder, file));
}

function lineOf(file: string, text: string): number {
  const lines = readFileSync(join(project, file), 'utf8').split('\n');
  return lines.findIndex((line) => line.includes(text)) + 1;
}

function findRoot(folder: string): string {
  return existsSync(join(folder, 'src/core/functions/index.ts')) ? folder : findRoot(dirname(folder));
}
