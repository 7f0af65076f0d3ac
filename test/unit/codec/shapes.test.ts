import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { decodeBytes, encodeToBytes, LocalShapeTable, type ShapeTable } from '../../../src/store/codec/index.ts';

/** A table that counts what it is asked to intern. */
function countingTable(capacity?: number): ShapeTable & { interned: (readonly string[])[] } {
  const table = new LocalShapeTable(capacity);
  const interned: (readonly string[])[] = [];
  return {
    interned,
    intern(keys) {
      interned.push(keys);
      return table.intern(keys);
    },
    keys: (id) => table.keys(id),
  };
}

test('objects met again travel without their keys, and in the order of their keys', () => {
  const shapes = countingTable();
  let size = 0;
  for (let k = 0; k < 40; k++) {
    const value = [
      { identifier: k, description: 'd' },
      { description: 'd', identifier: k },
    ];
    const encoded = encodeToBytes(value, { shapes });
    const copy = decodeBytes(encoded, { shapes }) as object[];
    assert.deepStrictEqual(copy, value);
    assert.deepEqual(
      copy.map((object) => Object.keys(object)[0]),
      ['identifier', 'description'],
    );
    size = encoded.bytes.length;
  }
  assert.ok(size < 20, `${size} bytes`);
  assert.deepEqual(shapes.interned, [
    ['identifier', 'description'],
    ['description', 'identifier'],
  ]);
});

test('a shape that begins another, and the empty one, are kept apart', () => {
  const shapes = countingTable();
  for (let k = 0; k < 40; k++) {
    const value = [{}, { a: 1 }, { a: 1, b: 2 }, { a: 1, b: 2, c: { a: 3 } }];
    assert.deepStrictEqual(decodeBytes(encodeToBytes(value, { shapes }), { shapes }), value);
  }
});

test('keys travel inline while the table is full', () => {
  const shapes = countingTable(1);
  for (let k = 0; k < 40; k++) {
    const value = [{ a: 1 }, { b: 1 }];
    assert.deepStrictEqual(decodeBytes(encodeToBytes(value, { shapes }), { shapes }), value);
  }
  assert.equal(shapes.interned.length, 2, 'a full table is not asked for the same keys again');
});

test('dictionaries do not fill the table, and shapes are still learnt after them', () => {
  const shapes = countingTable();
  const known = (k: number): object => ({ known: k, yes: true });
  for (let k = 0; k < 20; k++) encodeToBytes(known(k), { shapes });
  for (let k = 0; k < 30_000; k++) encodeToBytes({ [`user${k}`]: 1, [`other${k}`]: 2 }, { shapes });
  assert.equal(shapes.interned.length, 1);
  for (let k = 0; k < 20; k++) {
    for (const value of [known(k), { late: k }]) {
      assert.deepStrictEqual(decodeBytes(encodeToBytes(value, { shapes }), { shapes }), value);
    }
  }
  assert.deepEqual(shapes.interned, [['known', 'yes'], ['late']]);
});

test('objects of many keys travel inline', () => {
  const shapes = countingTable();
  const value = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, i]));
  for (let k = 0; k < 20; k++) assert.deepStrictEqual(decodeBytes(encodeToBytes(value, { shapes }), { shapes }), value);
  assert.equal(shapes.interned.length, 0);
});

test('works where code from strings is forbidden', () => {
  // Compiled or not, the codec has the extension that this file has.
  const extension = import.meta.url.slice(-3);
  const codec = new URL(`../../../src/store/codec/index${extension}`, import.meta.url).href;
  const script = `
    const { decodeBytes, encodeToBytes } = await import('${codec}');
    for (let k = 0; k < 50; k++) {
      const copy = decodeBytes(encodeToBytes({ a: k, ['__proto__']: 2, c: [{ d: 1 }] }));
      if (copy.a !== k || Object.keys(copy).join() !== 'a,__proto__,c' || copy.c[0].d !== 1) throw new Error('differs');
    }
    let refused;
    try { encodeToBytes({ a: 1, ['__proto__']: () => 1, c: 1 }) } catch (error) { refused = error.path }
    if (refused !== 'value.__proto__') throw new Error(refused);`;
  const run = spawnSync(
    process.execPath,
    ['--disallow-code-generation-from-strings', '--import', 'tsx', '--input-type=module', '-e', script],
    { encoding: 'utf8' },
  );
  assert.equal(run.status, 0, run.stderr);
});
