// The first capture in a process: what it gives in plain JavaScript files, and what it must not need for that.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

/** What a program reports of one capture. */
interface Report {
  readonly value?: unknown;
  readonly error?: string;
  readonly captures?: readonly string[];
  readonly form?: string;
  /** Where the function stands: what V8 says of the original and of the copy, as `line:column`, for functions that return an error. */
  readonly places?: readonly string[];
  readonly parsed: boolean;
  readonly listedScripts: boolean;
}

const root = findRoot(dirname(fileURLToPath(import.meta.url)));
const project = mkdtempSync(join(tmpdir(), 'mobula-plain-'));
after(() => rmSync(project, { recursive: true, force: true }));
symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'));
buildSync({
  absWorkingDir: root,
  entryPoints: ['src/core/functions/index.ts'],
  outfile: join(project, 'functions.mjs'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  external: ['acorn'],
});
writeFileSync(
  join(project, 'report.mjs'),
  `import { createRequire } from 'node:module';
import { Session } from 'node:inspector';
import { captureFunction, reviveFunction } from './functions.mjs';
const { cache } = createRequire(import.meta.url);
const posted = new Set();
const { post } = Session.prototype;
Session.prototype.post = function (method, ...rest) {
  posted.add(method);
  return post.call(this, method, ...rest);
};
const place = (error) => /\\d+:\\d+(?=\\)?$)/.exec(error.stack.split('\\n')[1])[0];
export async function report(fn, ...args) {
  const found = {};
  try {
    const shipped = captureFunction(fn, { isPortable: () => false, checkValue: () => undefined, findOwn: () => undefined, ownModule: () => undefined });
    found.captures = [...shipped.captures.keys()];
    found.form = shipped.form;
    const copy = await reviveFunction(structuredClone(shipped));
    found.value = await copy(...args);
    if (found.value instanceof Error) {
      found.places = [place(await fn(...args)), place(found.value)];
      found.value = undefined;
    }
  } catch (error) {
    found.error = error.message;
  }
  found.parsed = Object.keys(cache).some((file) => file.includes('acorn'));
  found.listedScripts = posted.has('Debugger.enable');
  console.log(JSON.stringify(found));
}
`,
);

let programs = 0;

/** Runs a program of its own process; its first capture is reported. */
function run(source: string, { extension = 'mjs', flags = [] as string[] } = {}): Report {
  programs += 1;
  const file = join(project, `program${programs}.${extension}`);
  const start =
    extension === 'cjs' ? "import('./report.mjs').then(({ report }) => {" : "import { report } from './report.mjs';";
  writeFileSync(file, `${start}\n${source}\n${extension === 'cjs' ? '});' : ''}`);
  const { NODE_OPTIONS: _options, NODE_V8_COVERAGE: _coverage, ...env } = process.env;
  const child = spawnSync(process.execPath, [...flags, file], { cwd: project, encoding: 'utf8', env });
  assert.equal(child.status, 0, child.stderr);
  return JSON.parse(child.stdout) as Report;
}

const unparsed: readonly [source: string, value: unknown][] = [
  ['await report(() => 1);', 1],
  ['await report((x) => Math.max(x, 2), 1);', 2],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source of one.
  ['await report(async (x) => [x, `${x}`, /x\\/y/.source], 1);', [1, '1', 'x\\/y']],
  ['await report(async x => x, 1);', 1],
  ['await report(function (x) { return arguments.length + x; }, 1);', 2],
  ['await report(async function named(x) { return x; }, 1);', 1],
  ['function fact(n) { return n < 2 ? 1 : n * 2; }\nawait report(fact, 3);', 6],
  ['const outer = 1;\nconst use = () => outer;\nawait report((x) => { const inner = x; return inner; }, use());', 1],
];

for (const [source, value] of unparsed) {
  test(`needs neither parser nor list of scripts: ${source}`, () => {
    const { value: got, parsed, listedScripts, error } = run(source);
    assert.deepEqual([got, parsed, listedScripts, error], [value, false, false, undefined]);
  });
}

test('a function of another module needs no parser', () => {
  writeFileSync(join(project, 'tasks.mjs'), 'export const task = (x) => x + 1;\n');
  const { value, parsed } = run("import { task } from './tasks.mjs';\nawait report(task, 1);");
  assert.deepEqual([value, parsed], [2, false]);
});

const parsed: readonly [source: string, value: unknown, captures: readonly string[]][] = [
  ['const base = 2;\nconst add = (x) => x + base;\nawait report((x) => add(x) * base, 1);', 6, ['add', 'base']],
  ['const Math = { max: () => 7 };\nawait report(() => Math.max(1));', 7, ['Math']],
  ['function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }\nawait report(fib, 7);', 13, []],
  ["import { sep } from 'node:path';\nawait report(() => sep);", '/', ['sep']],
  ['const f = (x) => x + f.step;\nf.step = 2;\nawait report(f, 1);', 3, ['f']],
  ['const v = 1; {\n  const v = 2;\n  await report(() => v);\n}\nconst other = () => v;', 2, ['v']],
  ['const tools = { functional(x) { return x; } };\nawait report(tools.functional, 1);', 1, []],
  ['const tools = { async(x) { return x; } };\nawait report(tools.async, 1);', 1, []],
  ['const \\u0061b = 4;\nawait report(() => \\u0061b);', 4, ['ab']],
  ['class A { go() { return 1; } }\nawait report(() => new A().go());', 1, ['A']],
];

for (const [source, value, captures] of parsed) {
  test(`needs the parser, and no list of scripts: ${source}`, () => {
    const report = run(source);
    assert.deepEqual([report.value, report.captures, report.error], [value, captures, undefined]);
    assert.deepEqual([report.parsed, report.listedScripts], [true, false]);
  });
}

test('import.meta and import() mean the file', () => {
  assert.match(String(run('await report(() => import.meta.url);').value), /program\d+\.mjs$/);
  assert.equal(run("await report(async () => (await import('node:path')).sep);").value, '/');
});

test('CommonJS: the file is read, the scripts are not listed', () => {
  const source = "const base = 2;\nconst { sep } = require('node:path');\nreturn report((x) => [x + base, sep], 1);";
  const { value, listedScripts } = run(source, { extension: 'cjs' });
  assert.deepEqual([value, listedScripts], [[3, '/'], false]);
  const sloppy = run('return report(function () { return this === globalThis; });', { extension: 'cjs' });
  assert.equal(sloppy.value, true);
});

test('a file that was changed after it was loaded is not believed', () => {
  const { value, listedScripts } = run(
    "import { writeFileSync } from 'node:fs';\nimport { fileURLToPath } from 'node:url';\nconst base = 2;\n" +
      "writeFileSync(fileURLToPath(import.meta.url), 'overwritten');\nawait report((x) => x + base, 1);",
  );
  assert.deepEqual([value, listedScripts], [3, true]);
});

test('evaluated code is taken from V8', () => {
  const source = "import { runInThisContext } from 'node:vm';\n";
  const evaluated = "runInThisContext('const hidden = 3; (x) => x + hidden', { filename: import.meta.url })";
  const { value, listedScripts } = run(`${source}await report(${evaluated}, 1);`);
  assert.deepEqual([value, listedScripts], [4, true]);
});

const places: readonly string[] = [
  'await report(() => new Error());',
  'await report(async () => new Error());',
  'await report(function () { return new Error(); });',
  'await report(  async function named ()\n{ return new Error(); });',
  'const base = 1;\nawait report(() => new Error(base));',
];

for (const source of places) {
  test(`stack traces show line and column: ${source}`, () => {
    const { places: [original, copy] = [], error } = run(source);
    assert.equal(copy, original, error);
    assert.ok(original);
  });
}

test('a variable that another script has put on the global object is refused by name', () => {
  const source = "import { runInThisContext } from 'node:vm';\nrunInThisContext('var loose = 1;');\n";
  assert.match(run(`${source}await report(() => typeof loose);`).error ?? '', /'loose'.*another script/);
});

test('with source maps, the file is read too', () => {
  const source = 'const base = 2;\nawait report((x) => x + base, 1);\n//# sourceMappingURL=none.js.map';
  const { value, listedScripts } = run(source, { flags: ['--enable-source-maps'] });
  assert.deepEqual([value, listedScripts], [3, false]);
});

test('a function expression with the name of its remote function is refused', () => {
  const refused =
    /uses 'node\.remote' \(program\d+\.mjs:2\), which is not there: inside the function 'node'.*another name/;
  const source = 'async function node(n) { return n > 0 ? node.remote(n - 1) : 0; }';
  assert.match(run(`const node = report(${source}, 1);\nawait node;`).error ?? '', refused);
  // Where it has such a property, or the name means something else, nothing is wrong.
  assert.equal(
    run('const f = function node(n) { return node.options; };\nf.options = 5;\nawait report(f, 1);').value,
    5,
  );
  assert.equal(run('await report(function node(node) { return node.options; }, { options: 6 });').value, 6);
});

function findRoot(folder: string): string {
  return existsSync(join(folder, 'src/core/functions/index.ts')) ? folder : findRoot(dirname(folder));
}
