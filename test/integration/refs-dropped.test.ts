import assert from 'node:assert/strict';
import test from 'node:test';
import { get, type ObjectRef, put, remote, wait } from 'mobula';
import { collectEverywhere } from '../support/garbage.ts';
import { storeStats } from '../support/inside.ts';
import { limit, suite } from '../support/suite.ts';
import { until } from '../support/until.ts';

// Refs made in one go share a block, and one that was kept held the values of up to 31 others.
suite({ numCpus: 2, objectStoreMemory: '1GiB' });

const MIB = 2 ** 20;
const COUNT = 600;
const KEPT = 6;

const make = remote((i: number) => new Uint8Array(MIB).fill(i), { name: 'make' });

/** Every hundredth of the refs; the others are dropped. */
function keep<T>(refs: ObjectRef<T>[]): ObjectRef<T>[] {
  const kept = refs.filter((_, i) => i % (COUNT / KEPT) === 0);
  refs.length = 0;
  return kept;
}

async function assertOnly(kept: readonly ObjectRef<Uint8Array>[]): Promise<void> {
  await until(
    async () => {
      await collectEverywhere();
      return storeStats().buffers <= KEPT;
    },
    () => JSON.stringify(storeStats()),
  );
  assert.ok(storeStats().used <= 8 * MIB, `${storeStats().used} bytes are held`);
  for (const [i, ref] of kept.entries()) assert.equal((await get(ref))[MIB - 1], (i * (COUNT / KEPT)) % 256);
  for (const ref of kept) ref[Symbol.dispose]();
}

test('results that were waited for go when their refs do', limit, async () => {
  const refs = Array.from({ length: COUNT }, (_, i) => make.remote(i));
  await wait(refs, { numReturns: COUNT });
  await assertOnly(keep(refs));
});

test('results that nobody waited for go when their refs do', limit, async () => {
  const refs = Array.from({ length: COUNT }, (_, i) => make.remote(i));
  await assertOnly(keep(refs));
});

test('what was put goes when its refs do', limit, async () => {
  const refs = Array.from({ length: COUNT }, (_, i) => put(new Uint8Array(MIB).fill(i)));
  await assertOnly(keep(refs));
});

test('refs that came inside a value go one by one', limit, async () => {
  const all = remote((count: number, mib: number) =>
    Array.from({ length: count }, (_, i) => put(new Uint8Array(mib).fill(i))),
  );
  const list = all.remote(COUNT, MIB);
  const refs = await get(list);
  list[Symbol.dispose]();
  await assertOnly(keep(refs));
});

test('items of a stream go one by one', limit, async () => {
  const items = remote(function* (count: number, mib: number) {
    for (let i = 0; i < count; i++) yield new Uint8Array(mib).fill(i);
  });
  // In a function of its own: the last item must not stay in a variable.
  const read = async (): Promise<ObjectRef<Uint8Array>[]> => {
    const refs: ObjectRef<Uint8Array>[] = [];
    for await (const ref of items.remote(COUNT, MIB)) refs.push(ref);
    return refs;
  };
  await assertOnly(keep(await read()));
});

test('a task that goes on does not keep the results of its neighbours', limit, async () => {
  const last = remote((ms: number) => new Promise<number>((resolve) => setTimeout(() => resolve(ms), ms)), {
    numCpus: 0,
  });
  const slow: ObjectRef<number>[] = [];
  const refs: ObjectRef<Uint8Array>[] = [];
  for (let i = 0; i < COUNT; i++) {
    refs.push(make.remote(i));
    if (i % 10 === 0) slow.push(last.remote(3000));
  }
  await wait(refs, { numReturns: COUNT });
  await assertOnly(keep(refs));
  assert.deepEqual(await get(slow[0] as ObjectRef<number>), 3000);
});

test('of several refs to one object any can go first', limit, async () => {
  const object = put(new Uint8Array(MIB).fill(7));
  const lend = remote((refs: ObjectRef<Uint8Array>[]) => refs, { name: 'lend' });
  const last = async (): Promise<ObjectRef<Uint8Array>> => {
    // As many refs, and most of them in one block.
    const refs = (await get(Array.from({ length: 30 }, () => lend.remote([object])))).flat();
    assert.equal(new Set(refs).size, 30);
    for (const [i, ref] of refs.entries()) if (i !== 20) ref[Symbol.dispose]();
    return refs[20] as ObjectRef<Uint8Array>;
  };
  const kept = await last();
  object[Symbol.dispose]();
  for (let i = 0; i < 5; i++) await collectEverywhere();
  assert.equal((await get(kept))[MIB - 1], 7);
  kept[Symbol.dispose]();
  await until(
    async () => {
      await collectEverywhere();
      return storeStats().buffers === 0;
    },
    () => JSON.stringify(storeStats()),
  );
});
