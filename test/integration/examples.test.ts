import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import * as mobula from 'mobula';
import ts from 'typescript';
import { docstringExamplesOf, type Example, examplesOf, filesIn, promisesOf } from '../support/examples.ts';
import { limit } from '../support/suite.ts';

// Every example of the documents and of docstrings is compiled, strictly, and run as it stands; what it prints is
// compared with what its comments say.

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** In the repository, so that 'mobula' is this package. */
const folder = join(root, '.test-dist/examples');
rmSync(folder, { recursive: true, force: true });

/** Files that an example imports. */
const companions: Readonly<Record<string, string>> = {
  'docs/text.ts': 'export const normalize = (text: string): string => text.trim();\n',
};

interface Placed {
  readonly example: Example;
  readonly source: string;
  /** Lines before the example's own. */
  readonly before: number;
}

function write(name: string, text: string): string {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

/** Docstrings do not import what they are the documentation of. */
function withImports(code: string): string {
  const used = Object.keys(mobula).filter((name) => new RegExp(`\\b${name}\\b`).test(code));
  return `import { ${used.join(', ')} } from 'mobula';\n${code}`;
}

function place(example: Example, docstring: boolean): Placed {
  const name = `${example.file.replace(/\.\w+$/, '')}-${example.line}.${example.language}`;
  const text = docstring ? withImports(example.code) : example.code;
  return { example, source: write(name, text), before: docstring ? 1 : 0 };
}

const documents = ['README.md', ...filesIn('docs', '.md')].flatMap(examplesOf);
const docstrings = filesIn('src', '.ts').flatMap(docstringExamplesOf);
const placed = [
  ...documents.map((example) => place(example, false)),
  ...docstrings.map((example) => place(example, true)),
];
for (const [name, text] of Object.entries(companions)) write(name, text);

const compiled = join(folder, 'compiled');

/** One program for each language. */
function programOf(language: Example['language']): ts.Program {
  const files = placed.filter(({ example }) => example.language === language).map(({ source }) => source);
  return ts.createProgram(files, {
    strict: true,
    noImplicitAny: language === 'ts',
    strictNullChecks: language === 'ts',
    allowJs: true,
    checkJs: true,
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    rewriteRelativeImportExtensions: true,
    types: ['node'],
    rootDir: folder,
    outDir: compiled,
    skipLibCheck: true,
  });
}
const programs = { js: programOf('js'), ts: programOf('ts') };

/** JavaScript has no types to give: what says that a type is `unknown`, or an actor's class, is no fault of the example. */
const untyped: ReadonlySet<number> = new Set([2365, 2488, 2339]);

function complaints({ example, source, before }: Placed): string[] {
  const program = programs[example.language];
  const file = program.getSourceFile(source);
  return ts.getPreEmitDiagnostics(program, file).flatMap(({ messageText, start, code }) => {
    if (example.language === 'js' && untyped.has(code)) return [];
    const line = file?.getLineAndCharacterOfPosition(start ?? 0).line ?? 0;
    return [`${example.file}:${example.line + line - before}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`];
  });
}

test('there are examples to try', () => {
  assert.ok(documents.length >= 9 && docstrings.length >= 15, `${documents.length} and ${docstrings.length}`);
});

for (const program of Object.values(programs)) program.emit();
for (const one of placed) {
  const { example, source } = one;
  test(`the example at ${example.file}:${example.line} compiles, and prints what it says`, limit, () => {
    assert.deepEqual(complaints(one), []);
    const file = join(compiled, relative(folder, source).replace(/\.ts$/, '.js'));
    assert.ok(existsSync(file));
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.equal(stdout.trim().replaceAll('\n', ', '), promisesOf(example));
  });
}
