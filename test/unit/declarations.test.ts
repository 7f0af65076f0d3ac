import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../../../dist/', import.meta.url));

/** The declarations that a program which imports mobula makes the type checker read. */
function reached(): Map<string, string> {
  const files = new Map<string, string>();
  const todo = [join(dist, 'index.d.ts')];
  for (let file = todo.pop(); file !== undefined; file = todo.pop()) {
    const name = relative(dist, file);
    if (files.has(name)) continue;
    const text = readFileSync(file, 'utf8');
    files.set(name, text);
    for (const [, path = ''] of text.matchAll(/(?:from |import\()['"](\.[^'"]+)['"]/g)) {
      todo.push(join(dirname(file), path.replace(/\.(ts|js)$/, '.d.ts')));
    }
  }
  return files;
}

test('declarations show nothing that is internal', () => {
  const files = reached();
  assert.ok(files.size > 10);
  for (const [name, text] of files) assert.doesNotMatch(text, /@internal/, name);
});

test('a program sees no declaration of how mobula works', () => {
  const inner = [...reached().keys()].filter((name) =>
    /^(boot|native|store|workers)\/|^core\/(port|run|values|functions|runtime)/.test(name),
  );
  assert.deepEqual(inner, []);
});
