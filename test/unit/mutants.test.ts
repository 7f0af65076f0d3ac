import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly from: string;
}

const root = new URL('../../../', import.meta.url);
const list = new URL('test/mutants/list.mjs', root).href;
const { mutants } = (await import(list)) as { readonly mutants: readonly Mutant[] };

test('each planted bug has one place in the core', () => {
  assert.ok(mutants.length >= 10);
  const places = mutants.map(({ name, file, from }) => {
    const found = readFileSync(new URL(file, root), 'utf8').split(from).length - 1;
    return [name, found];
  });
  assert.deepEqual(
    places.filter(([, found]) => found !== 1),
    [],
  );
});
