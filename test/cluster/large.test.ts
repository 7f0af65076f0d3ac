// Values with large buffers: they are fetched by the node that needs them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  cancel,
  get,
  init,
  type ObjectRef,
  ObjectStoreFullError,
  put,
  remote,
  shutdown,
  TaskCancelledError,
} from 'mobula';
import { startCluster } from 'mobula/testing';
import { inside } from '../support/inside.ts';
import { Random } from '../support/random.ts';
import { until } from '../support/until.ts';
import { withTwoNodes } from './suite.ts';

const MIB = 1 << 20;

const filled = (bytes: number, seed: number): Uint8Array => {
  const array = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i += 997) array[i] = (i / 997 + seed) % 251;
  return array;
};
const sumOf = (...arrays: Uint8Array[]): number => {
  let all = 0;
  for (const array of arrays) for (let i = 0; i < array.length; i += 997) all += array[i] as number;
  return all;
};
const make = remote((bytes: number, seed: number) => filled(bytes, seed));
const sum = remote((...arrays: Uint8Array[]) => sumOf(...arrays));

/** Buffers in this process's store. */
const buffers = (): number => {
  const { addon, port } = inside();
  return addon.storeStats(port.id).buffers;
};

describe('large values of a driver without CPUs', () => {
  withTwoNodes();

  it('go to a node and come back as they are, whatever their size', async () => {
    const back = remote((value: Uint8Array) => value);
    // Around what goes along, what has ranges of its own, and what has none.
    for (const bytes of [0, 1, 16 * 1024, 32 * 1024 - 1, 32 * 1024, 32 * 1024 + 1, 4 * MIB, 9 * MIB + 3]) {
      const array = filled(bytes, bytes % 7);
      assert.deepEqual(Buffer.from(await get(back.remote(array))), Buffer.from(array), `${bytes} bytes`);
      assert.equal(await get(sum.remote(put(array))), sumOf(array));
      assert.deepEqual(Buffer.from(await get(make.remote(bytes, 3))), Buffer.from(filled(bytes, 3)));
    }
  });

  it('are several buffers, long texts, empty ones beside them, and parts of errors', async () => {
    const value = {
      a: new Float64Array(20_000).fill(1.5),
      none: new Uint8Array(),
      b: filled(MIB, 1),
      text: 'x'.repeat(200_000),
    };
    const back = remote((given: typeof value) => ({ ...given, more: [given.b, given.b] }));
    const got = await get(back.remote(value));
    assert.deepEqual(got, { ...value, more: [value.b, value.b] });
    const throws = remote((given: Uint8Array) => {
      throw Object.assign(new RangeError('large'), { given });
    });
    await assert.rejects(get(throws.remote(value.b)), (error: Error) => {
      assert.ok(error instanceof RangeError);
      assert.deepEqual((error.cause as { readonly given: Uint8Array }).given, value.b);
      return true;
    });
  });

  it('are two results of one task, and pass from task to task', async () => {
    const two = remote(
      (seed: number) => [new Uint8Array(MIB).fill(seed), new Uint8Array(2 * MIB).fill(seed + 1)] as const,
      {
        numReturns: 2,
      },
    );
    const grow = remote((array: Uint8Array) => array.map((byte) => byte + 1));
    const [one, other] = two.remote(5);
    let last = one;
    for (let i = 0; i < 10; i++) last = grow.remote(last);
    const [a, b] = await get([last, other]);
    assert.ok(a.length === MIB && a.every((byte) => byte === 15));
    assert.ok(b.length === 2 * MIB && b.every((byte) => byte === 6));
  });

  it('are taken by many tasks, twice by one', async () => {
    const array = filled(8 * MIB, 9);
    const shared = put(array);
    const expected = sumOf(array);
    const sums = await get(Array.from({ length: 200 }, () => sum.remote(shared)));
    assert.ok(sums.every((each) => each === expected));
    assert.equal(await get(sum.remote(shared, shared)), 2 * expected);
  });

  it('leave nothing in the store of the driver, also where their tasks are cancelled on the way', async () => {
    const refs: ObjectRef<unknown>[] = [];
    for (let i = 0; i < 5; i++) {
      const made = make.remote(MIB, i);
      const all = sum.remote(made);
      assert.equal(await get(all), sumOf(filled(MIB, i)));
      refs.push(made, all);
    }
    const slow = remote(async (_: Uint8Array) => new Promise((resolve) => setTimeout(resolve, 60_000)));
    const stopped = Array.from({ length: 10 }, (_, i) => slow.remote(filled(4 * MIB, i)));
    for (const ref of stopped) cancel(ref, { force: true });
    for (const ref of stopped) await assert.rejects(get(ref), TaskCancelledError);
    for (const ref of [...refs, ...stopped]) ref[Symbol.dispose]();
    await until(() => buffers() === 0);
  });
});

describe('large values of a node with a small store', () => {
  it('are right for many tasks, though no copy stays', async () => {
    const cluster = await startCluster({ nodes: [{ numCpus: 2, objectStoreMemory: '64MiB' }] });
    try {
      await init({ address: cluster.address });
      const array = filled(20 * MIB, 4);
      const shared = put(array);
      const next = remote((_: Uint8Array, n: number) => n + 1);
      // Each waits for the one before, and for the same copy.
      let last = next.remote(shared, 0);
      for (let i = 1; i < 40; i++) last = next.remote(shared, last);
      const sums = Array.from({ length: 20 }, () => sum.remote(shared));
      assert.equal(await get(last), 40);
      assert.deepEqual(new Set(await get(sums)), new Set([sumOf(array)]));
      // More than fits: what no task needs goes to the node's disk.
      const refs = Array.from({ length: 8 }, (_, i) => make.remote(15 * MIB, i));
      const got = await get(refs);
      assert.ok(got.every((each, i) => Buffer.compare(each, filled(15 * MIB, i)) === 0));
      await assert.rejects(get(sum.remote(filled(80 * MIB, 1))), ObjectStoreFullError);
      assert.equal(await get(next.remote(shared, 1)), 2);
    } finally {
      await shutdown();
      await cluster.stop();
    }
  });
});

describe('large values when a node dies', () => {
  it('are made again, and every task ends with the right one', async () => {
    const cluster = await startCluster({ nodes: [{ numCpus: 1 }, { numCpus: 1 }, { numCpus: 1 }] });
    try {
      await init({ address: cluster.address });
      const random = new Random(7);
      const changed = remote((array: Uint8Array, by: number) => array.map((byte) => byte + by), { maxRetries: 10 });
      const refs = Array.from({ length: 60 }, (_, i) => {
        let ref = changed.remote(filled(MIB, i), 1);
        for (let k = 0; k < random.below(4); k++) ref = changed.remote(ref, 1);
        return ref;
      });
      const all = get(refs);
      for (const node of cluster.nodes.slice(0, 2)) {
        await new Promise((resolve) => setTimeout(resolve, 150));
        node.kill();
      }
      const got = await all;
      for (const [i, array] of got.entries()) {
        const by = ((array[0] as number) - (filled(1, i)[0] as number) + 256) % 256;
        assert.ok(by >= 1 && by <= 4, `${i}: ${by}`);
        assert.deepEqual(
          array,
          filled(MIB, i).map((byte) => byte + by),
        );
      }
    } finally {
      await shutdown();
      await cluster.stop();
    }
  });
});
