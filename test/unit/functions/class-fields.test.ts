import assert from 'node:assert/strict';
import test from 'node:test';
import { type TransformOptions, transformSync } from 'esbuild';
import ts from 'typescript';
import { functionFields } from '../../../src/core/functions/class-fields.ts';

const source = `
  class Base {
    inherited = () => 1;
  }
  return class Derived extends Base {
    static not = () => 1;
    #hidden = () => 1;
    text = 'no';
    arrow = (by = 1) => by;
    method() { return 1; }
    'quoted name' = function () { return 1; };
    items = function* () { yield 1; };
    list = [() => 1];
    later;
    hiddenToo() { return this.#hidden(); }
    constructor() {
      super();
      this.assigned = async () => 1;
      this.other = 5;
      this.nested = () => { this.inner = () => 1; };
    }
  };
`;
const expected = ['arrow', 'quoted name', 'items', 'assigned', 'nested', 'inherited'].sort();

const evaluate = (text: string): Function => new Function(text)() as Function;
const inFunction = (text: string): string => `function make() {${text}}`;
const withEsbuild =
  (options: TransformOptions) =>
  (text: string): string =>
    `${transformSync(inFunction(text), options).code}\nreturn make();`;
const withTypeScript =
  (options: ts.CompilerOptions) =>
  (text: string): string =>
    `${ts.transpile(inFunction(text), options)}\nreturn make();`;

const compilers: Readonly<Record<string, (text: string) => string>> = {
  none: (text) => text,
  'esbuild, new': withEsbuild({ target: 'es2022' }),
  'esbuild as tsx uses it': withEsbuild({ target: 'node20', keepNames: true, loader: 'ts' }),
  'esbuild, old': withEsbuild({ target: 'es2020', keepNames: true }),
  'esbuild, minified': withEsbuild({ target: 'es2022', minify: true, keepNames: true }),
  'TypeScript, new': withTypeScript({ target: ts.ScriptTarget.ES2022 }),
  'TypeScript, old': withTypeScript({ target: ts.ScriptTarget.ES2020 }),
  'TypeScript, old, defined': withTypeScript({ target: ts.ScriptTarget.ES2020, useDefineForClassFields: true }),
};

for (const [name, compile] of Object.entries(compilers)) {
  test(`fields that hold functions are found in what a compiler wrote: ${name}`, () => {
    const fields = functionFields(evaluate(compile(source)));
    assert.deepEqual(fields.map((field) => field.name).sort(), expected);
    assert.deepEqual(
      fields.filter((field) => field.generator).map((field) => field.name),
      ['items'],
    );
  });
}

test('what is no class, or cannot be read, has no fields', () => {
  assert.deepEqual(
    functionFields(function Old(this: { x: unknown }) {
      this.x = () => 1;
    }),
    [],
  );
  assert.deepEqual(functionFields(Map), []);
});
