// A function from another node imports from the files of this one.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Needs, nameOf, pathOf } from '../../../../src/core/files/needs.ts';
import { relocate } from '../../../../src/core/files/relocate.ts';
import type { Shipped, ShippedFunction } from '../../../../src/core/functions/shipped.ts';
import { folder } from './folder.ts';

const needs: Needs = {
  root: '/a/app',
  mobula: 'file:///a/app/node_modules/mobula/dist/index.js',
  files: [],
  packages: [],
  choices: [],
};
const members = { properties: [], removed: [], integrity: undefined };

function fn(url: string, captures: readonly Shipped[]): ShippedFunction {
  return {
    ...{ kind: 'function', name: 'f', source: '', form: 'expression', strict: true, line: 0, column: 0, eager: [] },
    ...{ file: { url, sourceMap: `${url}.map` }, captures: new Map(captures.map((item, i) => [`x${i}`, item])) },
    ...{ own: members, prototype: members, receiver: undefined, privates: undefined },
  };
}

const imported = (specifier: string, parent: string): Shipped => ({
  ...{ kind: 'import', how: 'import', specifier, parent, interop: 'none', path: [] },
});

describe('names of files', () => {
  it('are relative inside of the root, and absolute outside', () => {
    for (const [path, root, name] of [
      ['/a/app/x y/z.js', '/a/app', 'x y/z.js'],
      ['/a/app', '/a/app', ''],
      ['/a/apples/z.js', '/a/app', '/a/apples/z.js'],
      ['/a/app/..x.js', '/a/app', '..x.js'],
      ['/z.js', '/', 'z.js'],
    ] as const) {
      assert.equal(nameOf(path, root), name);
      assert.equal(pathOf(name, root), path);
    }
  });
});

describe('a function that has come to another root', () => {
  it('names its files there, and mobula where that is', () => {
    const inner = fn('/a/app/lib/x.cjs', [{ kind: 'require', file: '/a/app/lib/x.cjs' }]);
    const code = fn('file:///a/app/main%20x.js?v=1', [
      inner,
      imported('./b.js', 'file:///a/app/main%20x.js'),
      imported('file:///a/app/c.js', '[eval1]'),
      imported(needs.mobula, needs.mobula),
      imported('pack', 'file:///elsewhere/x.js'),
    ]);
    relocate(code, needs, { root: '/a/app/copy', mobula: 'file:///m/index.js' });
    const [, ...imports] = [...code.captures.values()];
    assert.deepEqual(code.file, {
      url: 'file:///a/app/copy/main%20x.js?v=1',
      sourceMap: 'file:///a/app/copy/main%20x.js?v=1.map',
    });
    assert.equal(inner.file.url, '/a/app/copy/lib/x.cjs');
    assert.deepEqual([...inner.captures.values()], [{ kind: 'require', file: '/a/app/copy/lib/x.cjs' }]);
    assert.deepEqual(
      imports.map((item) => item.kind === 'import' && [item.specifier, item.parent]),
      [
        ['./b.js', 'file:///a/app/copy/main%20x.js'],
        ['file:///a/app/copy/c.js', '[eval1]'],
        ['file:///m/index.js', 'file:///m/index.js'],
        ['pack', 'file:///elsewhere/x.js'],
      ],
    );
  });

  it('finds a package above the root from the root', (t) => {
    const root = folder(t, { 'node_modules/pack/x.js': '', 'apps/one/main.js': '' });
    const code = fn('file:///a/node_modules/pack/x.js', []);
    relocate(code, needs, { root: `${root}/apps/one`, mobula: needs.mobula });
    assert.equal(code.file.url, `file://${root}/node_modules/pack/x.js`);
  });

  it('stays as it is where everything is in the same place', () => {
    const code = fn('/a/app/x.js', []);
    relocate(code, needs, { root: needs.root, mobula: needs.mobula });
    assert.equal(code.file.url, '/a/app/x.js');
  });
});
