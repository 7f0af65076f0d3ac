// Large results stay at the nodes that made them, until somebody needs them elsewhere.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { context, GetTimeoutError, get, init, nodes, type ObjectRef, remote, shutdown, wait } from 'mobula';
import { startCluster } from 'mobula/testing';
import { collect } from '../support/garbage.ts';
import { inside } from '../support/inside.ts';
import { Random } from '../support/random.ts';
import { until } from '../support/until.ts';
import { withTwoNodes } from './suite.ts';

const MIB = 1 << 20;

/** Buffers in this process's store. */
const buffers = (): number => {
  const { addon, port } = inside();
  return addon.storeStats(port.id).buffers;
};

const make = remote((bytes: number, seed: number) => new Uint8Array(bytes).fill(seed));
const add = remote((one: Uint8Array, other: Uint8Array) => one.map((byte, i) => byte + (other[i] as number)));
const first = remote((array: Uint8Array) => array[0] as number);
/** Waits until nothing is left in this process's store; values that were read go with the garbage. */
const allGone = (): Promise<void> =>
  until(async () => {
    await collect();
    return buffers() === 0;
  });
/** Bytes that no other run makes, and their sum. */
const dice = remote(
  () => {
    const bytes = new Uint8Array(MIB).map(() => Math.floor(Math.random() * 256));
    return [bytes, bytes.reduce((sum, byte) => sum + byte, 0)] as const;
  },
  { numReturns: 2 },
);
const sum = (bytes: Uint8Array): number => bytes.reduce((all, byte) => all + byte, 0);

describe('a large result', () => {
  const cluster = withTwoNodes();
  const at = (node: number) => ({ schedulingStrategy: { nodeId: cluster().nodes[node]?.nodeId as string } });

  it('stays where it was made, and comes when its value is asked for', async () => {
    const refs = Array.from({ length: 6 }, (_, i) => make.remote(MIB, i));
    const { ready } = await wait(refs, { numReturns: 6 });
    assert.equal(ready.length, 6);
    assert.equal(buffers(), 0);
    assert.ok(refs.every(({ recoverable }) => recoverable));
    const [one] = refs;
    assert.equal((await get(one as ObjectRef<Uint8Array>)).length, MIB);
    assert.equal(buffers(), 1);
    assert.deepEqual(await get(refs.map((ref) => first.remote(ref))), [0, 1, 2, 3, 4, 5]);
    assert.equal(buffers(), 1);
    for (const ref of refs) ref[Symbol.dispose]();
    await allGone();
  });

  it('goes from node to node, and the driver has none of it', async () => {
    const [a, b] = [make.options(at(0)).remote(MIB, 3), make.options(at(1)).remote(MIB, 4)];
    const c = add.options(at(0)).remote(a, b);
    const d = add.options(at(1)).remote(c, c);
    const small = first.options(at(0)).remote(d);
    assert.equal(await get(small), 14);
    assert.equal(buffers(), 0);
    assert.ok((await get(d)).every((byte) => byte === 14));
    for (const ref of [a, b, c, d]) ref[Symbol.dispose]();
    await allGone();
  });

  it('comes though its ref goes before it has', async () => {
    // A function of its own, whose frame keeps no value.
    const read = async (i: number): Promise<boolean> => {
      const ref = make.remote(MIB, i);
      const value = get(ref);
      if (i % 2 === 0) await wait([ref]);
      ref[Symbol.dispose]();
      return (await value).every((byte) => byte === i);
    };
    for (let i = 0; i < 5; i++) assert.equal(await read(i), true);
    await allGone();
  });

  it('does not hold up a get with a limit of time', async () => {
    const read = async (): Promise<number> => {
      const ref = make.remote(8 * MIB, 1);
      await wait([ref]);
      // It may be in time, and it ends.
      await get(ref, { timeoutMs: 0 }).catch((error: unknown) => assert.ok(error instanceof GetTimeoutError));
      const { length } = await get(ref);
      ref[Symbol.dispose]();
      return length;
    };
    assert.equal(await read(), 8 * MIB);
    await allGone();
  });

  it('of a long chain lets go of those before it', async () => {
    let last = make.remote(MIB, 0);
    const one = make.remote(MIB, 1);
    for (let i = 0; i < 100; i++) {
      const next = add.remote(last, one);
      last[Symbol.dispose]();
      last = next;
    }
    assert.equal(await get(first.remote(last)), 100);
    assert.equal(buffers(), 0);
  });

  it('is at the driver, where its task may not run again', async () => {
    const once = make.options({ maxRetries: 0 });
    const ref = once.remote(MIB, 1);
    await wait([ref]);
    assert.equal(buffers(), 1);
    assert.equal(ref.recoverable, false);
    ref[Symbol.dispose]();
    await allGone();
  });
});

describe('large results of nodes with room', () => {
  it('draw the tasks that take them', async () => {
    const cluster = await startCluster({ nodes: [{ numCpus: 4 }, { numCpus: 4 }] });
    try {
      await init({ address: cluster.address });
      const where = remote((array: Uint8Array) => [array.length, context().nodeId]);
      for (let i = 0; i < 10; i++) {
        const nodeId = cluster.nodes[i % 2]?.nodeId as string;
        const ref = make.options({ schedulingStrategy: { nodeId } }).remote(16 * MIB, 1);
        await wait([ref]);
        assert.deepEqual(await get(where.remote(ref)), [16 * MIB, nodeId]);
      }
    } finally {
      await shutdown();
      await cluster.stop();
    }
  });
});

describe('a large result that is lost', () => {
  it('is made again when somebody needs it, and what it was made of before', async () => {
    const cluster = await startCluster({ nodes: [{ numCpus: 1 }, { numCpus: 1 }] });
    try {
      await init({ address: cluster.address });
      let last = make.remote(MIB, 0);
      for (let i = 0; i < 20; i++) {
        const next = add.remote(last, make.remote(MIB, i));
        last[Symbol.dispose]();
        last = next;
      }
      const unread = make.remote(MIB, 9);
      await wait([last, unread], { numReturns: 2 });
      for (const node of cluster.nodes) node.kill();
      await cluster.addNode({ numCpus: 2 });
      assert.equal(await get(first.remote(last)), 190);
      assert.ok((await get(last)).every((byte) => byte === 190));
      unread[Symbol.dispose]();
    } finally {
      await shutdown();
      await cluster.stop();
    }
  });

  it('of random programs is right, whichever nodes die', async () => {
    const cluster = await startCluster({ nodes: [{ numCpus: 1 }, { numCpus: 1 }, { numCpus: 1 }] });
    try {
      await init({ address: cluster.address, numCpus: 1 });
      const random = new Random(11);
      const combine = remote(
        (bytes: number, by: number, ...all: Uint8Array[]) => {
          const sums = new Uint8Array(bytes).fill(by);
          for (const array of all)
            for (let i = 0; i < bytes; i++) (sums[i] as number) += array[i % array.length] as number;
          return sums;
        },
        { maxRetries: 10 },
      );
      const refs: { readonly ref: ObjectRef<Uint8Array>; readonly value: number }[] = [];
      for (let round = 0; round < 4; round++) {
        for (let i = 0; i < 60; i++) {
          const chosen = Array.from(
            { length: Math.min(refs.length, random.below(4)) },
            () => refs[random.below(refs.length)] as (typeof refs)[0],
          );
          const by = random.below(256);
          const bytes = [100, 40_000, 200_000][random.below(3)] as number;
          const value = chosen.reduce((all, each) => (all + each.value) % 256, by);
          refs.push({ ref: combine.remote(bytes, by, ...chosen.map(({ ref }) => ref)), value });
          if (refs.length > 40) refs.splice(random.below(refs.length), 1)[0]?.ref[Symbol.dispose]();
        }
        const some = refs.filter(() => random.below(3) === 0);
        const got = get(some.map(({ ref }) => ref));
        await new Promise((resolve) => setTimeout(resolve, random.below(200)));
        cluster.nodes[random.below(cluster.nodes.length)]?.kill();
        await cluster.addNode({ numCpus: 1 });
        for (const [i, array] of (await got).entries()) assert.ok(array.every((byte) => byte === some[i]?.value));
      }
      const all = await get(refs.map(({ ref }) => ref));
      for (const [i, array] of all.entries()) assert.ok(array.every((byte) => byte === refs[i]?.value));
    } finally {
      await shutdown();
      await cluster.stop();
    }
  });
});

describe('a node that leaves', () => {
  it('gives what stays there to those who may need it', async () => {
    const cluster = await startCluster({ nodes: [{ numCpus: 1 }] });
    try {
      await init({ address: cluster.address });
      const pairs = Array.from({ length: 5 }, () => dice.remote());
      const sums = await get(pairs.map(([, small]) => small));
      assert.equal(buffers(), 0);
      // One is here already, and stays there too.
      const [bytes] = pairs[0] as (typeof pairs)[0];
      assert.equal(sum(await get(bytes)), sums[0]);
      await cluster.nodes[0]?.stop();
      await until(async () => (await nodes()).filter((node) => node.alive && node.resources['CPU'] === 1).length === 0);
      assert.equal(buffers(), 5);
      const all = await get(pairs.map(([bytes]) => bytes));
      assert.deepEqual(all.map(sum), sums);
    } finally {
      await shutdown();
      await cluster.stop();
    }
  });
});
