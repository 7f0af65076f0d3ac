// What a file loads, read from its text.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { looseSpecifiers, specifiersOf } from '../../../../src/core/files/specifiers.ts';

const shown = (all: readonly { readonly specifier: string; readonly late: boolean }[]): string[] =>
  all.map(({ specifier, late }) => (late ? `${specifier} late` : specifier)).sort();
const strict = (text: string): string[] => shown(specifiersOf(text));
const loose = (text: string): string[] => shown(looseSpecifiers(text));

const modules = `#!/usr/bin/env node
import './a.js';
import b, { c as d } from "./b.js";
import * as e from /* here */ './c.js';
export * from'./d.js';
export { f } from './e.js';
import json from './f.json' with { type: 'json' };
export const load = () => import('./g.js');
const h = await import(\`./h.js\`);
`;
const ofModules = ['./a.js', './b.js', './c.js', './d.js', './e.js', './f.json', './g.js late', './h.js late'];
const commonJs = `
const a = require('./a'), { b } = require ( "./b" );
module.exports = () => require(\`./c\`).c;
if (a) { with (a) require('./d'); }
return import('./e');
`;
const ofCommonJs = ['./a', './b', './c', './d', './e late'];

describe('what a file loads', () => {
  it('is found in modules and in CommonJS', () => {
    assert.deepEqual(strict(modules), ofModules);
    assert.deepEqual(strict(commonJs), ofCommonJs);
  });

  it('is found by the scanner too, which misses nothing', () => {
    assert.deepEqual(loose(modules), ofModules);
    assert.deepEqual(loose(commonJs), ofCommonJs);
  });

  it('is not what only looks like it, where the text is JavaScript', () => {
    assert.deepEqual(strict("// import './a.js'\nconst text = \"import './b.js'\";\nimport(name); require(name);"), []);
    assert.deepEqual(strict('const requirement = 1;'), []);
  });

  it('is found in TypeScript, by the scanner', () => {
    const text =
      "import type { A } from './a.ts';\nimport b = require('./b');\nenum C { d = 1 }\nexport const e: A = await import('./f.ts');";
    assert.deepEqual(strict(text), ['./a.ts', './b', './f.ts late']);
  });
});
