// What a function takes along is copied as it is or refused by name; every advice is followed once.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
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

const root = findRoot(dirname(fileURLToPath(import.meta.url)));
const project = mkdtempSync(join(tmpdir(), 'mobula-rules-'));
after(() => rmSync(project, { recursive: true, force: true }));
cpSync(join(root, 'test/unit/functions/fixtures'), project, { recursive: true });
symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'));
writeFileSync(join(project, 'package.json'), '{"type":"module"}');
const functions = join(project, 'functions.mjs');
buildSync({
  absWorkingDir: root,
  entryPoints: ['src/core/functions/index.ts'],
  outfile: functions,
  bundle: true,
  platform: 'node',
  format: 'esm',
  external: ['acorn'],
});
toJavaScript();

const loaders: readonly {
  readonly name: string;
  readonly args: readonly string[];
  readonly file: (name: string) => string;
  readonly skip?: string;
}[] = [
  { name: 'JavaScript', args: [], file: (name) => `js/${name}.js` },
  { name: 'tsx', args: ['--import', 'tsx'], file: (name) => `rules/${name}.ts` },
  {
    name: 'type stripping',
    args: ['--disable-warning=ExperimentalWarning'],
    file: (name) => `rules/${name}.ts`,
    ...(Reflect.get(process.features, 'typescript') ? {} : { skip: 'this Node does not run TypeScript' }),
  },
];

for (const { name, args, file, skip } of loaders) {
  for (const [program, least] of Object.entries({ variables: 14, evals: 6, imports: 14, classes: 14 })) {
    test(`copied as it is, or refused by name: ${program}, ${name}`, {
      timeout: 120_000,
      ...(skip === undefined ? {} : { skip }),
    }, () => {
      const { runs, failures } = run([...args, file(program)]);
      assert.deepEqual(failures, []);
      assert.ok(runs >= least, `${runs} runs`);
    });
  }
}

function run(args: readonly string[]): { runs: number; failures: unknown[] } {
  const { NODE_OPTIONS: _options, NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const child = spawnSync(process.execPath, args, {
    cwd: project,
    encoding: 'utf8',
    env: { ...env, MOBULA_FUNCTIONS: pathToFileURL(functions).href },
    timeout: 120_000,
  });
  const last = child.stdout.trim().split('\n').at(-1) ?? '';
  assert.ok(last.startsWith('{"runs"'), child.stdout + child.stderr);
  return JSON.parse(last) as { runs: number; failures: unknown[] };
}

function toJavaScript(): void {
  mkdirSync(join(project, 'js'));
  cpSync(join(project, 'rules/harness.mjs'), join(project, 'js/harness.mjs'));
  for (const file of readdirSync(join(project, 'rules')).filter((name) => name.endsWith('.ts'))) {
    const text = readFileSync(join(project, 'rules', file), 'utf8');
    const { code } = transformSync(text, { loader: 'ts', format: 'esm', target: 'es2022' });
    writeFileSync(join(project, 'js', file.replace(/ts$/, 'js')), code.replaceAll('.ts"', '.js"'));
  }
}

function findRoot(folder: string): string {
  return existsSync(join(folder, 'src/core/functions/index.ts')) ? folder : findRoot(dirname(folder));
}
