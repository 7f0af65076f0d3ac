// Orders of events that broke earlier designs of the cluster, each as a program of its own: long chains whose values are lost, one of two
// results that is lost, large arguments and few resources, urgent tasks behind many long ones.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cancel, get, init, put, remote, shutdown, wait } from 'mobula';
import { type Cluster, type ClusterNodeOptions, startCluster } from 'mobula/testing';
import { until } from '../support/until.ts';

const MIB = 1 << 20;
const limit = { timeout: 300_000 };

async function withCluster(
  nodes: readonly ClusterNodeOptions[],
  program: (cluster: Cluster) => Promise<void>,
): Promise<void> {
  const cluster = await startCluster({ nodes });
  try {
    await init({ address: cluster.address });
    await program(cluster);
  } finally {
    await shutdown();
    await cluster.stop();
  }
}

/** Large enough that it stays where it is made. */
const next = remote((array: Uint32Array) => {
  const more = new Uint32Array(array);
  more[0] = (more[0] as number) + 1;
  return more;
});
const start = remote(() => new Uint32Array(8192));
const head = remote((array: Uint32Array) => array[0] as number);

describe('a chain of which only the last value is kept', () => {
  const LENGTH = 3_000;

  it('is made again from its beginning when that is lost', limit, () =>
    withCluster([{ numCpus: 1 }], async (cluster) => {
      let last = start.remote();
      for (let i = 0; i < LENGTH; i++) {
        const more = next.remote(last);
        last[Symbol.dispose]();
        last = more;
      }
      await wait([last]);
      assert.equal(await get(head.remote(last)), LENGTH);
      for (const node of cluster.nodes) node.kill();
      await cluster.addNode({ numCpus: 1 });
      assert.equal(await get(head.remote(last)), LENGTH);
    }),
  );
});

describe('one of two results that is lost', () => {
  /** No two attempts give the same. */
  const pair = remote(
    () => {
      const both = [0, 1].map(() => new Uint8Array(MIB).map(() => Math.floor(Math.random() * 256)));
      return [both[0] as Uint8Array, both[1] as Uint8Array] as const;
    },
    { numReturns: 2 },
  );
  const sum = remote((array: Uint8Array) => array.reduce((all, byte) => all + byte, 0));

  it('is made again, and what was read of the other stays as it was', limit, () =>
    withCluster([{ numCpus: 1 }], async (cluster) => {
      const [one, other] = pair.remote();
      const read = Uint8Array.from(await get(one));
      for (const node of cluster.nodes) node.kill();
      await cluster.addNode({ numCpus: 1 });
      const lost = await get(other);
      assert.equal(lost.length, MIB);
      assert.deepEqual(await get(one), read);
      assert.equal(
        await get(sum.remote(one)),
        read.reduce((all, byte) => all + byte, 0),
      );
      assert.equal(
        await get(sum.remote(other)),
        lost.reduce((all, byte) => all + byte, 0),
      );
    }),
  );

  it('is at the driver in time, where its task may not run again', limit, () =>
    withCluster([{ numCpus: 1 }, { numCpus: 1 }], async (cluster) => {
      const once = pair.options({ maxRetries: 0 });
      const [one, other] = once.remote();
      await wait([one, other], { numReturns: 2 });
      assert.equal(one.recoverable, false);
      for (const node of cluster.nodes) node.kill();
      await cluster.addNode({ numCpus: 1 });
      for (const array of await get([one, other])) assert.equal(array.length, MIB);
    }),
  );
});

describe('large arguments of a driver without CPUs', () => {
  const sum = remote((array: Uint8Array) => array.reduce((all, byte) => all + byte, 0));

  it('go to a node with room, and to the only one that has what is asked for', limit, () =>
    withCluster([{ numCpus: 1 }, { numCpus: 1, resources: { chip: 1 } }], async () => {
      const large = put(new Uint8Array(100 * MIB).fill(1));
      const onChip = sum.options({ resources: { chip: 1 } });
      assert.deepEqual(await get([sum.remote(large), onChip.remote(large), onChip.remote(large)]), [
        100 * MIB,
        100 * MIB,
        100 * MIB,
      ]);
    }),
  );

  it('are copied once to each node, whatever many tasks take them', limit, () =>
    withCluster([{ numCpus: 1 }, { numCpus: 1 }], async () => {
      const made = remote((bytes: number) => new Uint8Array(bytes).fill(1)).remote(8 * MIB);
      const ends = remote((array: Uint8Array) => (array[0] as number) + (array.at(-1) as number));
      const all = await get(Array.from({ length: 1_000 }, () => ends.remote(made)));
      assert.ok(all.every((each) => each === 2));
    }),
  );
});

describe('an urgent task behind many that take long', () => {
  it('begins as soon as what is at the node has ended', limit, () =>
    withCluster([{ numCpus: 1 }], async () => {
      const begun = new Set<string>();
      const slow = remote(async (i: number) => {
        console.log(`slow ${i}`);
        await new Promise((resolve) => setTimeout(resolve, 500));
      });
      const { write } = process.stdout;
      process.stdout.write = ((text: string | Uint8Array, ...rest: never[]) => {
        for (const [line] of String(text).matchAll(/slow \d+/g)) begun.add(line);
        return write.call(process.stdout, text, ...rest);
      }) as typeof write;
      const many = Array.from({ length: 20_000 }, (_, i) => slow.remote(i));
      try {
        await until(() => begun.size === 1);
        const urgent = remote(() => 'now').options({ priority: 10 });
        const ref = urgent.remote();
        assert.equal(await get(ref), 'now');
        // A few are sent ahead before anybody knows how long they take.
        assert.ok(begun.size < 20, `${begun.size} of the others had begun`);
      } finally {
        process.stdout.write = write;
        for (const each of many) cancel(each, { force: true });
      }
    }),
  );
});
