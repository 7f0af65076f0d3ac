import assert from 'node:assert/strict';
import test from 'node:test';
import { importOrigin } from '../../../src/core/functions/bindings.ts';
import { changesLater, staleReason } from '../../../src/core/functions/changes.ts';
import { type FreeName, freeLexicals, freeNames, type Range } from '../../../src/core/functions/scope.ts';
import { parseScript, type Script } from '../../../src/core/functions/script.ts';

/** Parses a script in which `«` and `»` mark the function under test. */
function marked(source: string): { script: Script; range: Range } {
  const start = source.indexOf('«');
  const end = source.indexOf('»') - 1;
  const text = source.replace('«', '').replace('»', '');
  const isModule = /^(?:import|export)\b/m.test(text) || text.includes('import.meta');
  const script = parseScript({ url: 'file:///x.js', text, startLine: 0, startColumn: 0, isModule });
  assert.ok(script, `parses: ${text}`);
  return { script, range: { start, end } };
}

function freeIn(source: string): FreeName[] {
  const { script, range } = marked(source);
  return freeNames(script.analysis, range);
}

const free: readonly [source: string, names: string][] = [
  ['«() => a»', 'a'],
  ['«(a) => a + b»', 'b'],
  ['«({ a, b: c, ...d }, [e, , f = g], ...h) => a + b + c + d + e + f + h»', 'g b'],
  ['«(a = b, { [c]: d = e } = f) => d»', 'b c e f'],
  ['«function f(n) { return f(n - 1) + g() }»', 'g'],
  ['const f = «function self() { return self }»', ''],
  ['«() => { var a = 1; { let b = a; const c = b; } return b + c }»', 'b c'],
  ['«() => { if (x) { var hoisted = 1 } return hoisted }»', 'x'],
  ['«() => { return later(); function later() { return z } }»', 'z'],
  ['«() => { try { a() } catch (e) { e } try {} catch { e } }»', 'a e'],
  ['«() => { label: for (;;) { break label } }»', ''],
  ['«() => ({ a, b: c, d() { return e }, [f]: g, get h() { return i } })»', 'a c e f g i'],
  ['«() => a.b.c + d[e] + f?.g?.[h]»', 'a d e f h'],
  ['«() => typeof maybe»', 'maybe'],
  ['«() => { for (const a of b) a; for (let c = 0; c < d; c++) c; for (e in f) e }»', 'b d e f'],
  ['«() => { for (const [k, v] of Object.entries(o)) k + v }»', 'Object o'],
  ['«() => { [a, b.c, { d: e = f }] = g }»', 'b f a e g'],
  ['«() => { switch (a) { case b: let c; default: c } }»', 'a b'],
  ['«(a = x) => { var x = 1; return x + a }»', 'x'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source of one.
  ['«() => `${a} ${tag`b${c}`}`»', 'a tag c'],
  ['«() => new Foo(...args)»', 'Foo args'],
  [
    '«class A extends B { [c] = d; static e = f; #g = h; static { i = A } m(j) { return j + k + this.#g } }»',
    'B c d f h i k',
  ],
  ['(«class { static x = (() => y)(); z = w }»)', 'y w'],
  ['«async function* f() { yield* a; await b; for await (const c of d) c }»', 'a b d'],
  ['«() => { class Local { m() { return Local } } return Local }»', ''],
  ['(«function () { return arguments.length }»)', ''],
  ['«() => { const { a: { b = c } = {} } = d; return b }»', 'c d'],
  ['«() => import(a)»', 'a'],
  ["import { x } from 'y' with { type: 'json' };\n«() => x + import.meta.url»", 'x'],
  ['#!/usr/bin/env node\n«() => a»', 'a'],
  ['import a from "a"; await 1; using b = c; «() => a + b»', 'a b'],
  ['«async (a) => { await using b = a; return b }»', ''],
  ['«() => { x ??= 1; y++ }»', 'x y'],
];

for (const [source, names] of free) {
  test(`free names of ${source}`, () => {
    const found = freeIn(source).map(({ name }) => name);
    assert.deepEqual(found.sort(), names.split(' ').filter(Boolean).sort());
  });
}

test('a class needs its superclass, computed keys and static fields at once, the rest later', () => {
  const found = freeIn('(«class extends A { [b]() { c } d = e; static f = g; static { h } static i = () => j }»)');
  const eager = found.filter((name) => name.eager).map(({ name }) => name);
  assert.deepEqual(eager.sort(), ['A', 'b', 'g', 'h']);
});

const lexicals: readonly [source: string, names: string][] = [
  ['function f() { return «() => this» }', 'this'],
  ['function f() { return «() => arguments» }', 'arguments'],
  ['function f() { return «() => new.target» }', 'new.target'],
  ['class A extends B { m() { return «() => super.m()» } }', 'super'],
  ['class A { m = «() => this» }', 'this'],
  ['«() => function () { return this }»', ''],
  ['«class A { m = () => this; n() { return super.n } static { this } }»', ''],
  ['(«function () { return () => [this, arguments, new.target] }»)', ''],
];

for (const [source, names] of lexicals) {
  test(`what ${source} takes from the code around it`, () => {
    const { script, range } = marked(source);
    const found = freeLexicals(script.analysis, range).map(({ name }) => name as string);
    assert.deepEqual(found, names === '' ? [] : [names]);
  });
}

// The variable is always `v`.
const steady: readonly string[] = [
  'const v = 1; «() => v»',
  'let v = 1; «() => v»',
  'let v; v = 1; «() => v»',
  'var v = 1; «() => v»',
  'var v; (function (w) {})(v || (v = {})); «() => v»',
  'function v() {} «() => v»',
  'class v {} «() => v»',
  '(v) => «() => v»',
  '({ v = 1 }) => «() => v»',
  'try {} catch (v) { «() => v» }',
  'for (let v = 0; v < 9; v++) «() => v»',
  'for (const v of x) «() => v»',
  'for (let v in x) «() => v»',
  'while (x) { const v = 1; «() => v» }',
  'while (x) { let v; v = 1; «() => v» }',
  'for (;;) { for (const [v] of x) { «() => v» } }',
  'const v = 1; { const v = 2; v } «() => v»',
  'let v = 1; function other(v) { v = 2 } «() => v»',
  'let v; if (x) v = 1; «() => v»',
  'let v; { v = 1 } «() => v»',
  'let v; try { v = 1 } finally {} «() => v»',
  'let v; [v] = x; «() => v»',
  'let v; class A { static { v = 1 } } «() => v»',
  'function f() { let v; v = 1; return «() => v» }',
  'var v; var init = __esm({ "x.js"() { v = 1 } }); «() => v»',
  'var v = 1; «() => v»; const later = (code) => (0, eval)(code);',
  'var v = 1; «() => v»; function run(code) { return eval(code) }',
  'const require = createRequire(), __dirname = 1; var v = 1; «() => v»; function run(code) { return eval(code) }',
  'const c = 1; var _v, v = 1; «() => v»; { const eval = f; }',
  "let c, v = 1; «() => v»; eval('quire'.replace(/^/, 're'))('m')",
  "let c, v = 1; «() => v»; eval('(function () { return this })()')",
  'let c, v = 1; «() => v»; eval(`c = 1; value = 2`)',
  'const v = 1; «() => v»; (code) => eval(code)',
];

const stale: readonly [source: string, reason: RegExp][] = [
  ['let v = 1; v = 2; «() => v»', /more than once/],
  ['let v = 1; v++; «() => v»', /more than once/],
  ['let v; v = 1; v = 2; «() => v»', /more than once/],
  ['let v; [v] = x; ({ v } = x); «() => v»', /more than once/],
  ['let v; for (v of x) «() => v»', /in a loop/],
  ['let v; while (x) v = y; «() => v»', /in a loop/],
  ['for (var v of x) «() => v»', /in a loop/],
  ['for (;;) { var v = 1; «() => v» }', /in a loop/],
  ['for (let v = 0; ; ) { v++; «() => v» }', /more than once/],
  ['for (var v = 0; v < 9; v++) «() => v»', /more than once/],
  ['(v) => { v = 1; return «() => v» }', /more than once/],
  ['function v() {} v = 1; «() => v»', /more than once/],
  ['class v {} v = 1; «() => v»', /more than once/],
  ['let v; «() => { v = 1; return v }»', /by the function itself/],
  ['let v = 0; «() => { (() => v++)() }»', /by the function itself/],
  ['let v; function fill() { for (;;) v = 1 } «() => v»', /in a loop/],
  ['let v; function fill() { v = 1 } «() => v»', /in another function/],
  ['let v; x.forEach((w) => { v = w }); «() => v»', /in another function/],
  ['let v; (() => { v = 1 })(); «() => v»', /in another function/],
  ['let v; const o = { set w(x) { v = x } }; «() => v»', /in another function/],
  ['let v; class A { w = (v = 1) } «() => v»', /in another function/],
  ['let v; function fill() { [v] = x } «() => v»', /in another function/],
  ['let v; const later = (x = (v = 1)) => x; «() => v»', /in another function/],
  ['for (let v = 0, next = () => v++; v < 9; ) { «() => v» }', /in another function|more than once/],
  ['try {} catch (v) { v = 1; «() => v» }', /more than once/],
  ['var v = 1; var v = 2; «() => v»', /more than once/],
  ['function v() {} function v() {} «() => v»', /more than once/],
  ['let v = 1; ({ v } = x); «() => v»', /more than once/],
  ['let v = 1; v ??= 2; «() => v»', /more than once/],
  ['function f(v) { g(() => { v = 1 }); return «() => v» }', /more than once/],
  ["let v = 1; «() => v»; eval('v = 2')", /eval/],
  ['function f(v) { const g = «() => v»; return (code) => eval(code) }', /eval/],
  // A `var` was let pass, as compilers make one of a constant; they leave no constants beside it.
  ['const c = 1; var v = 1; const run = (code) => eval(code); «() => v»', /eval/],
  ['function f() { let c; var v = 1; g(«() => v»); eval(c) }', /eval/],
  ["let v = 1; «() => v»; eval('w' + ' = v = 2')", /eval/],
  ["let foo, v = 1; «() => v»; eval('' + `v=1`)", /eval/],
  ["let some, v = 1; «() => v»; eval(some['v'])", /eval/],
];

for (const source of steady) {
  test(`a copy stays true: ${source}`, () => assert.equal(staleness(source), undefined));
}

for (const [source, reason] of stale) {
  test(`a copy goes stale: ${source}`, () => assert.match(staleness(source) ?? '', reason));
}

function staleness(source: string): string | undefined {
  const { script, range } = marked(source);
  const binding = freeNames(script.analysis, range).find(({ name }) => name === 'v')?.binding;
  assert.ok(binding, 'v is free and declared');
  return staleReason(binding, range, script.analysis.evals)?.problem;
}

const origins: readonly [source: string, origin: string | undefined][] = [
  ["import { a as v } from 'm';", 'import m none a'],
  ["import v from 'm';", 'import m none default'],
  ["import * as v from 'm';", 'import m none '],
  ["import { 'odd name' as v } from 'm';", 'import m none odd name'],
  ["const v = require('m');", 'require m none '],
  ["const v = require('m').a.b;", 'require m none a.b'],
  ["const { a: { v } } = require('m');", 'require m none a.v'],
  ["var v = __toESM(require('m'));", 'require m namespace '],
  ["var v = __toESM(require('m'), 1);", 'require m namespace-node '],
  ["const v = __importDefault(require('m'));", 'require m default '],
  ["export {}; const v = await import('m');", 'import m none '],
  ["export {}; const { v } = await import('m');", 'import m none v'],
  ["(async () => { const v = await __vite_ssr_import__('/m.ts'); «() => v» })", 'vite /m.ts none '],
  ["import m from 'm'; const { v } = m;", 'import m none default.v'],
  [
    "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url); const v = require('m');",
    'require m none ',
  ],
  ['const v = require(name);', undefined],
  ["let v = require('m'); v = 1;", undefined],
  ["function require() {} const v = require('m');", undefined],
  ["const { v = 1 } = require('m');", undefined],
];

for (const [source, origin] of origins) {
  test(`where v comes from: ${source}`, () => {
    const whole = source.includes('«') ? source : `${source} «() => v»`;
    const binding = freeIn(whole).find(({ name }) => name === 'v')?.binding;
    assert.ok(binding);
    const found = importOrigin(binding);
    assert.equal(found && [found.how, found.specifier, found.interop, found.path.join('.')].join(' '), origin);
  });
}

// The variable is always `v`, at the top of a module.
const later: readonly [source: string, changes: boolean][] = [
  ['export let v = 1;', false],
  ['export let v = 1; v = 2;', false],
  ['export let v; if (x) v = 1;', false],
  ['export let v = 0; export function inc() { v++ }', true],
  ['export let v; export const connect = async () => { v = await x() };', true],
  ['let v = 1; setInterval(() => (v = 2), 1); export { v };', true],
  ['export function v() {} function patch() { v = x }', true],
  ['export class v {} x(() => { [v] = y });', true],
  ['export const v = 1;', false],
];

for (const [source, changes] of later) {
  test(`whether v of a module changes later: ${source}`, () => {
    const { script } = marked(`${source}«»`);
    const binding = script.analysis.top.bindings.get('v');
    assert.ok(binding);
    assert.equal(changesLater(binding), changes);
  });
}

const mutations: readonly [source: string, found: string][] = [
  ['a.b = 1', 'a.b'],
  ['a.b.c++', 'a.b.c'],
  ['delete a.b', 'a.b'],
  ['a[b].c = 1', 'a.*.c'],
  ['a.push(1)', 'a'],
  ['a.b.set(1, 2)', 'a.b'],
  ['a?.b.clear()', 'a.b'],
  ['Object.assign(a, b)', 'a'],
  ['Reflect.set(a.b, c, d)', 'a.b'],
  ['[a.b] = c', 'a.b'],
  ['a = 1', ''],
  ['a.map(b)', ''],
  ['a.b', ''],
];

for (const [source, found] of mutations) {
  test(`what ${source} changes`, () => {
    const { script } = marked(`${source}«»`);
    assert.equal(script.analysis.mutations.map(({ name, path }) => [name, ...path].join('.')).join(' '), found);
  });
}

const exported: readonly [source: string, names: string][] = [
  ['export const a = 1, { b, c: [d] } = x;', 'a=a b=b d=d'],
  ['export function a() {} export class B {}', 'a=a B=B'],
  ['let a; export { a as b, a as default };', 'b=a default=a'],
  ['export default 1;', 'default='],
  ['export default function f() {}', 'default=f'],
  ["export { a as b, default as c } from 'm';", 'b=a@m c=default@m'],
  ["export * from 'm'; export * as ns from 'n';", '*=*@m ns=*@n'],
];

for (const [source, names] of exported) {
  test(`what is exported by ${source}`, () => {
    const { script } = marked(`${source}«»`);
    const found = script.analysis.exports.map(
      ({ name, local = '', from }) => `${name}=${local}${from === undefined ? '' : `@${from}`}`,
    );
    assert.equal(found.join(' '), names);
  });
}
