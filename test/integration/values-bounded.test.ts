import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { get, type ObjectRef, ObjectStoreFullError, put, remote, TaskError, wait } from 'mobula';
import { collectEverywhere } from '../support/garbage.ts';
import { inside, storeStats } from '../support/inside.ts';
import { limit, suite } from '../support/suite.ts';

// Values below 64 KiB and all strings lay on the heap of the process: uncounted, and never spilled.
const MIB = 2 ** 20;
suite({ numCpus: 2, objectStoreMemory: '32MiB' });

function resident(): number {
  const [, pages] = readFileSync('/proc/self/statm', 'utf8').split(' ');
  return Number(pages) * 4096;
}

const KIB63 = 63 * 1024;
const text = remote((i: number, bytes: number) => String.fromCharCode(97 + (i % 26)).repeat(bytes), { name: 'text' });
const bytes = remote((i: number, length: number) => new Uint8Array(length).fill(i), { name: 'bytes' });

test('strings and buffers above 16 KiB are spilled, and come back', limit, async () => {
  const count = 2000;
  const before = resident();
  const texts: ObjectRef<string>[] = [];
  const buffers: ObjectRef<Uint8Array>[] = [];
  for (let i = 0; i < count; i++) {
    texts.push(text.remote(i, KIB63));
    buffers.push(bytes.remote(i, KIB63));
    if (i % 50 === 0) await get(texts.at(-1) as ObjectRef<string>);
  }
  await wait(texts, { numReturns: count });
  await wait(buffers, { numReturns: count });
  const stats = storeStats();
  // All of them are 250 MiB.
  assert.ok(stats.spilled > 150 * MIB, JSON.stringify(stats));
  assert.ok(stats.used <= 32 * MIB, JSON.stringify(stats));
  for (const [i, ref] of texts.entries()) {
    const value = await get(ref);
    assert.equal(value.length, KIB63);
    assert.equal(value[KIB63 - 1], String.fromCharCode(97 + (i % 26)));
  }
  for (const [i, ref] of buffers.entries()) {
    const value = await get(ref);
    assert.equal(value.length, KIB63);
    assert.ok(value[0] === i % 256 && value[KIB63 - 1] === i % 256);
  }
  assert.ok(resident() - before < 232 * MIB, `${(resident() - before) / MIB} MiB`);
});

test('a value of any kind makes the round trip at both sides of the bound', limit, async () => {
  const echo = remote((value: unknown) => value, { name: 'echo' });
  for (const length of [16_000, 16_383, 16_384, 16_385, 100_000, 1_000_000]) {
    const shared = { list: Array.from({ length: length / 100 }, (_, i) => i) };
    const inner = put('inner');
    const value = {
      text: 'ü'.repeat(length / 2),
      small: new Uint8Array(100).fill(3),
      large: new Float64Array(10_000).fill(0.5),
      map: new Map([['k', shared]]),
      again: shared,
      inner,
    };
    const back = (await get(echo.remote(value))) as typeof value;
    assert.equal(back.text, value.text);
    assert.deepEqual(back.small, value.small);
    assert.deepEqual(back.large, value.large);
    assert.equal(back.map.get('k'), back.again);
    assert.deepEqual(back.again, shared);
    assert.equal(await get(back.inner), 'inner');
    // What comes after a long value has its own buffers, and no others.
    assert.equal(await get(put(value.text)), value.text);
    assert.deepEqual(await get(echo.remote(value.large)), value.large);
    const stored = (await get(put(value))) as typeof value;
    assert.equal(stored.text, value.text);
    assert.equal(await get(stored.inner), 'inner');
    const nested = remote((first: typeof value, second: typeof value) => first.text === second.text, {
      name: 'nested',
    });
    const ref = put(value);
    assert.equal(await get(nested.remote(ref, ref)), true);
  }
});

test('an error of any size arrives', limit, async () => {
  const fail = remote(
    (length: number) => {
      throw Object.assign(new Error('x'.repeat(length)), { list: new Array(length / 10).fill(1) });
    },
    { name: 'fail' },
  );
  for (const length of [10, 100_000]) {
    const error = (await get(fail.remote(length)).catch((reason: unknown) => reason)) as TaskError;
    assert.ok(error instanceof TaskError);
    assert.ok((error.cause as Error).message.length >= length);
  }
  class Broken {
    constructor(length: number) {
      throw new Error('y'.repeat(length));
    }
    call(): void {}
  }
  await assert.rejects(get(remote(Broken).remote(100_000).call.remote()), /y{1000}/);
});

test('small values count, and are refused when the store is full', limit, async () => {
  // Their code is stored while there is room.
  const noisy = remote(() => 'z'.repeat(16_000), { name: 'noisy' });
  const seven = remote(() => 7, { name: 'seven' });
  assert.equal((await get(noisy.remote())).length + (await get(seven.remote())), 16_007);
  const before = storeStats();
  assert.ok(before.small < 4 * MIB, JSON.stringify(before));
  const refs: ObjectRef<string>[] = [];
  const fill = (): void => {
    for (let i = 0; i < 10_000; i++) {
      refs.push(put('z'.repeat(8000)));
      if (i % 100 === 0) inside().port.flush();
    }
  };
  assert.throws(fill, ObjectStoreFullError);
  const full = storeStats();
  assert.ok(full.small + full.used <= 34 * MIB, JSON.stringify(full));
  assert.ok(full.small > 24 * MIB, JSON.stringify(full));
  const more: ObjectRef<string>[] = [];
  // What little room is left is used up first.
  await assert.rejects(async () => {
    for (let i = 0; i < 50; i++) {
      more.push(noisy.remote());
      await get(more.at(-1) as ObjectRef<string>);
    }
  }, /objectStoreMemory/);
  // What needs no room of its own goes on.
  assert.equal(await get(seven.remote()), 7);
  for (const ref of [...refs, ...more]) ref[Symbol.dispose]();
  await collectEverywhere();
  assert.equal((await get(noisy.remote())).length, 16_000);
  assert.ok(storeStats().small < 4 * MIB, JSON.stringify(storeStats()));
});

test('small values move buffers to the disk', limit, async () => {
  const large = Array.from({ length: 20 }, (_, i) => put(new Uint8Array(MIB).fill(i)));
  const small = Array.from({ length: 2500 }, (_, i) => {
    if (i % 100 === 0) inside().port.flush();
    return put(`${i}`.padStart(8000));
  });
  const stats = storeStats();
  assert.ok(stats.small + stats.used <= 33 * MIB && stats.spilled > 0, JSON.stringify(stats));
  for (const [i, ref] of large.entries()) assert.equal((await get(ref))[MIB - 1], i);
  for (const [i, ref] of small.entries()) assert.equal(Number(await get(ref)), i);
});

test('the memory of a peak is given back', limit, async () => {
  const { port } = inside() as unknown as { port: { inbox: Uint8Array; writer: { bytes: Uint8Array } } };
  const big = Array.from({ length: 200_000 }, (_, i) => `key ${i}`);
  const echo = remote((value: unknown) => (value as unknown[]).length, { name: 'count' });
  assert.equal(await get(echo.remote(big)), big.length);
  assert.ok(port.writer.bytes.length > MIB);
  const many = Array.from({ length: 2000 }, () => put(1));
  const list = put(many);
  assert.equal((await get(list)).length, 2000);
  for (let i = 0; i < 200; i++) await get(echo.remote([i]));
  assert.equal(port.writer.bytes.length, 64 * 1024);
  assert.equal(port.inbox.length, 256 * 1024);
});
