// Which files and packages a function needs, and what a node says that has others.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { refusalOf } from '../../../../src/core/files/check.ts';
import type { Needs } from '../../../../src/core/files/needs.ts';
import { Program } from '../../../../src/core/files/program.ts';
import type { Shipped, ShippedFunction } from '../../../../src/core/functions/shipped.ts';
import { folder } from './folder.ts';

const mobula = 'file:///somewhere/mobula/dist/index.js';
const members = { properties: [], removed: [], integrity: undefined };

/** A function that stands in `file` and has imported `specifiers`. */
function importing(file: string, specifiers: readonly string[], source = '() => 1'): ShippedFunction {
  const captures = specifiers.map((specifier, i): [string, Shipped] => [
    `x${i}`,
    { kind: 'import', how: 'import', specifier, parent: file, interop: 'none', path: ['x'] },
  ]);
  return {
    ...{ kind: 'function', name: 'f', source, form: 'expression', strict: true, line: 0, column: 0, eager: [] },
    ...{ file: { url: file, sourceMap: undefined }, captures: new Map(captures) },
    ...{ own: members, prototype: members, receiver: undefined, privates: undefined },
  };
}

function needs(root: string, specifiers: readonly string[], source?: string): Needs {
  return new Program(root, mobula).needsOf(importing(`file://${root}/main.js`, specifiers, source));
}

const names = ({ files }: Needs): string[] => files.map(({ name, late }) => (late ? `${name} late` : name)).sort();
const packages = (all: Needs): string[] =>
  all.packages.map(({ name, version, from }) => `${name}@${version} from '${from}'`);
const refusal = (all: Needs, root: string): string => refusalOf(all, { nodeId: 'n0', root })?.message ?? '';
const manifest = (name: string, rest = ''): string => `{ "name": "${name}"${rest} }`;

const files = {
  'package.json': manifest(
    'app',
    ', "imports": { "#inner/*": { "import": "./inner/*.js", "default": "./inner/*.cjs" } }',
  ),
  'a.js': "import './lib/b.js'; import 'node:fs'; import 'pack/sub'; export const load = () => import('./late.js');",
  'lib/b.js': "import '../a.js'; import data from '../data.json' with { type: 'json' };",
  'data.json': '{}',
  'late.js': "import './behind.js';",
  'behind.js': '',
  'unused.js': '',
  'inner/x.js': '',
  'inner/x.cjs': '',
  'entry.cjs': "require('./choice')",
  'choice/index.js': '',
  'node_modules/pack/package.json': manifest('pack', ', "version": "1.2.3"'),
  'node_modules/pack/node_modules/deep/package.json': manifest('deep', ', "version": "4.5.6"'),
  'node_modules/pack/own.js': "import './other.js'",
  'node_modules/plain/package.json': manifest('plain'),
  'node_modules/plain/index.js': "require('./more.js')",
  'node_modules/plain/more.js': '',
};

/** The same application once more, with other texts of some files, or without them. */
function copy(t: TestContext, changes: Readonly<Record<string, string | undefined>>): string {
  const all = Object.entries({ ...files, ...changes }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return folder(t, Object.fromEntries(all));
}

describe('what a function needs', () => {
  it('is what it imports, and all that this loads, with hashes', (t) => {
    const root = folder(t, files);
    const all = needs(root, ['./a.js', mobula, 'node:path', 'fs']);
    assert.deepEqual(names(all), ['a.js', 'behind.js late', 'data.json', 'late.js late', 'lib/b.js']);
    assert.deepEqual(packages(all), ["pack@1.2.3 from ''"]);
    const hash = createHash('sha256').update('{}').digest('hex');
    assert.equal(all.files.find(({ name }) => name === 'data.json')?.hash, hash);
  });

  it('may be what its own text loads, once that runs', (t) => {
    const all = needs(folder(t, files), [], "async () => (await import('./late.js')).x");
    assert.deepEqual(names(all), ['behind.js late', 'late.js late']);
  });

  it('is every file that a name of the package itself may stand for', (t) => {
    const all = needs(folder(t, files), ['#inner/x']);
    assert.deepEqual(names(all), ['inner/x.cjs', 'inner/x.js', 'package.json']);
  });

  it('is a package by its version, also where it is imported by path; by its files where it has none', (t) => {
    const root = folder(t, files);
    assert.deepEqual(packages(needs(root, [`file://${root}/node_modules/pack/own.js`])), ["pack@1.2.3 from ''"]);
    const plain = needs(root, ['plain']);
    assert.deepEqual(names(plain), [
      'node_modules/plain/index.js',
      'node_modules/plain/more.js',
      'node_modules/plain/package.json',
    ]);
  });

  it('is a file whatever characters its name has', (t) => {
    const root = folder(t, {
      'a b.js': "import './c%20d.js?x=1'; import '%'",
      'c d.js': "require('./e#f.js')",
      'e#f.js': '',
    });
    assert.deepEqual(names(needs(root, ['./a%20b.js'])), ['a b.js', 'c d.js', 'e#f.js']);
  });

  it('is a file outside of the root by its absolute path', (t) => {
    const outside = folder(t, { 'x.js': '' });
    assert.deepEqual(names(needs(folder(t, files), [`file://${outside}/x.js`])), [join(outside, 'x.js')]);
  });

  it('is a linked package by the files that are loaded', (t) => {
    const root = folder(t, {
      ...files,
      'packages/linked/package.json': manifest('linked', ', "version": "1.0.0", "exports": { ".": "./main.js" }'),
      'packages/linked/main.js': "import './part.js'",
      'packages/linked/part.js': '',
    });
    symlinkSync(join(root, 'packages/linked'), join(root, 'node_modules/linked'));
    const all = needs(root, ['linked']);
    assert.deepEqual(names(all), [
      'packages/linked/main.js',
      'packages/linked/package.json',
      'packages/linked/part.js',
    ]);
    assert.equal(refusal(all, root), '');
    const other = folder(t, {
      ...files,
      'node_modules/linked/package.json': manifest('linked', ', "version": "1.0.0"'),
    });
    for (const file of ['package.json', 'main.js', 'part.js']) {
      mkdirSync(join(other, 'packages'), { recursive: true });
      symlinkSync(join(root, 'packages/linked', file), join(other, `packages/${file}`));
    }
    symlinkSync(join(root, 'packages/linked'), join(other, 'packages/linked'));
    assert.match(refusal(all, other), /'linked' is .*node_modules\/linked there; .* linked from packages\/linked/);
  });

  it('is the version that was there first, for one program', (t) => {
    const root = folder(t, files);
    const program = new Program(root, mobula);
    const before = program.needsOf(importing(`file://${root}/main.js`, ['./data.json']));
    writeFileSync(join(root, 'data.json'), '[]');
    assert.deepEqual(program.needsOf(importing(`file://${root}/main.js`, ['./data.json'])), before);
  });
});

describe('a node', () => {
  const all = (t: TestContext): Needs => needs(folder(t, files), ['./a.js', './entry.cjs', 'plain']);

  it('takes a function whose files it has, in any folder', (t) => {
    assert.equal(refusal(all(t), copy(t, { 'unused.js': 'other', 'main.js': 'other' })), '');
  });

  it('refuses one with another file behind an imported one, by name and both hashes', (t) => {
    const root = copy(t, { 'data.json': '[]' });
    const told = refusal(all(t), root);
    for (const text of ['{}', '[]'])
      assert.ok(told.includes(createHash('sha256').update(text).digest('hex').slice(0, 16)));
    assert.ok(told.startsWith(`Node n0 cannot run the function: ${join(root, 'data.json')} has SHA-256`), told);
  });

  it('refuses one whose file is missing, but for what is loaded later', (t) => {
    assert.match(refusal(all(t), copy(t, { 'lib/b.js': undefined })), /lib\/b\.js is missing there/);
    assert.equal(refusal(all(t), copy(t, { 'behind.js': undefined, 'late.js': undefined })), '');
    assert.match(refusal(all(t), copy(t, { 'behind.js': 'other' })), /behind\.js has SHA-256/);
  });

  it('refuses one whose package is missing, or another version, wherever it is found from', (t) => {
    const at = 'node_modules/pack/package.json';
    const nested = {
      [at]: undefined,
      'node_modules/pack/own.js': undefined,
      'node_modules/pack/node_modules/deep/package.json': undefined,
    };
    assert.match(refusal(all(t), copy(t, nested)), /'pack' is missing there.* has version 1\.2\.3/);
    assert.match(
      refusal(all(t), copy(t, { [at]: manifest('pack', ', "version": "2.0.0"') })),
      /version 2\.0\.0 there; .* version 1\.2\.3/,
    );
  });

  it('refuses one whose specifier means another file there', (t) => {
    assert.match(
      refusal(all(t), copy(t, { 'choice.js': '' })),
      /'\.\/choice' in .*entry\.cjs is .*choice\.js there; .* choice\/index\.js/,
    );
  });
});
