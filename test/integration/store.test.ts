import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import {
  allocate,
  get,
  MobulaError,
  ObjectLostError,
  type ObjectRef,
  ObjectStoreFullError,
  put,
  remote,
  shutdown,
} from 'mobula';
import { collect, collectEverywhere } from '../support/garbage.ts';
import { storeStats } from '../support/inside.ts';
import { openFiles } from '../support/machine.ts';
import { limit, suite } from '../support/suite.ts';
import { until } from '../support/until.ts';

const MIB = 2 ** 20;
const spillDirectory = mkdtempSync(join(tmpdir(), 'mobula-test-'));
suite({ numCpus: 2, objectStoreMemory: '32MiB', spillDirectory });
after(async () => {
  await shutdown();
  assert.deepEqual(readdirSync(spillDirectory), []);
  rmSync(spillDirectory, { recursive: true });
});

const block = (fill: number): Uint8Array => new Uint8Array(4 * MIB).fill(fill);

test('more objects than fit are spilled, and come back', limit, async () => {
  const refs = Array.from({ length: 24 }, (_, i) => put(block(i)));
  assert.ok(storeStats().spills > 0, 'nothing was spilled');
  const sum = remote((array: Uint8Array) => array.every((byte) => byte === array[0]) && array[0]);
  assert.deepEqual(
    await get(refs.map((ref) => sum.remote(ref))),
    Array.from({ length: 24 }, (_, i) => i),
  );
  for (const [i, ref] of refs.entries()) {
    const array = await get(ref);
    assert.equal(array[4 * MIB - 1], i);
    if (i % 4 === 3) await collectEverywhere();
  }
  for (const ref of refs) ref[Symbol.dispose]();
});

test('results of tasks are spilled as well', limit, async () => {
  const make = remote((fill: number) => new Uint8Array(4 * MIB).fill(fill));
  const refs = Array.from({ length: 20 }, (_, i) => make.remote(i));
  const first = remote((array: Uint8Array) => array[1000]);
  assert.deepEqual(
    await get(refs.map((ref) => first.remote(ref))),
    Array.from({ length: 20 }, (_, i) => i),
  );
});

test('put waits a little for what threads only have to collect', limit, async () => {
  // It threw, as views in workers that nobody held kept the store full.
  const length = remote((array: Uint8Array) => array.length);
  for (let i = 0; i < 200; i++) {
    const ref = put(new Uint8Array(MIB).fill(i % 256));
    assert.equal(await get(length.remote(ref)), MIB);
    ref[Symbol.dispose]();
  }
});

test('what is larger than the store is refused at the call', limit, async () => {
  const refusal = (error: unknown): boolean => {
    assert.ok(error instanceof ObjectStoreFullError);
    assert.ok(error instanceof MobulaError);
    assert.equal(error.code, 'ERR_MOBULA_OBJECT_STORE_FULL');
    assert.match(error.message, /objectStoreMemory/);
    return true;
  };
  assert.throws(() => put(new Uint8Array(64 * MIB)), refusal);
  assert.throws(() => allocate(Uint8Array, 64 * MIB), refusal);
  const big = remote(() => new Uint8Array(64 * MIB));
  await assert.rejects(get(big.remote()), (error) => refusal((error as Error).cause));
});

test('a value of which a part does not fit leaves nothing of it in the store', limit, async () => {
  await collectEverywhere();
  const before = storeStats();
  assert.throws(() => put([new Uint8Array(MIB), new Uint8Array(64 * MIB)]), ObjectStoreFullError);
  const after = storeStats();
  assert.deepEqual([after.buffers, after.used], [before.buffers, before.used]);
});

test('views that are held pin their objects: more than the store holds is refused', limit, async () => {
  const held: Uint8Array[] = [];
  const fill = async (): Promise<void> => {
    for (let i = 0; i < 16; i++) held.push(await get(put(block(i))));
  };
  await assert.rejects(fill(), (error) => {
    assert.ok(error instanceof ObjectStoreFullError);
    assert.match(error.message, /the largest first: buffer \d+ \(4194304 bytes, in use by/);
    return true;
  });
  assert.ok(held.length >= 4, `${held.length} blocks`);
  assert.ok(held.every((array, i) => array[7] === i));
  held.length = 0;
  await collect();
  assert.equal((await get(put(block(1))))[0], 1);
});

test('an object whose bytes on disk have changed is lost, and says so', limit, async () => {
  const refs = Array.from({ length: 12 }, (_, i) => put(block(i)));
  const file = openFiles().find((name) => name.includes(spillDirectory));
  assert.ok(file !== undefined, openFiles().join('\n'));
  // The file has no name; the kernel lets its owner open it by its descriptor.
  const path = `/proc/self/fd/${file.split(' ')[0]}`;
  writeFileSync(path, new Uint8Array(statSync(path).size).fill(99), { flag: 'r+' });
  await assert.rejects(get(refs[0] as ObjectRef<Uint8Array>), (error) => {
    assert.ok(error instanceof ObjectLostError);
    assert.equal(error.code, 'ERR_MOBULA_OBJECT_LOST');
    return true;
  });
  assert.equal((await get(refs[11] as ObjectRef<Uint8Array>))[0], 11);
  for (const ref of refs) ref[Symbol.dispose]();
});

test('objects are released when their refs are disposed of', limit, async () => {
  await collectEverywhere();
  const before = storeStats().used;
  const refs = Array.from({ length: 5 }, () => put(block(1)));
  assert.ok(storeStats().used > before);
  for (const ref of refs) ref[Symbol.dispose]();
  await until(() => storeStats().used <= before);
});

test('objects are released when their refs are collected', limit, async () => {
  await collectEverywhere();
  const before = storeStats().used;
  (() => {
    for (let i = 0; i < 5; i++) put(block(i));
  })();
  await until(async () => {
    await collect();
    return storeStats().used <= before;
  });
});

test('a ref inside an object keeps what it refers to', limit, async () => {
  let outer: ObjectRef<{ inner: ObjectRef<Uint8Array> }> | undefined = put({ inner: put(block(3)) });
  await collectEverywhere();
  assert.equal((await get((await get(outer)).inner))[0], 3);
  outer = undefined;
});

test('refs that went to tasks and came back are released', limit, async () => {
  const pass = remote((box: { ref: ObjectRef<Uint8Array> }) => box);
  for (let i = 0; i < 20; i++) {
    const { ref } = await get(pass.remote({ ref: put(block(i)) }));
    assert.equal((await get(ref))[0], i);
    if (i % 4 === 3) await collectEverywhere();
  }
});
