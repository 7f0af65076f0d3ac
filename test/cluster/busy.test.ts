// A node that has more to do than it soon comes to has others do it. Functions have names: what they take is known by them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { context, get, init, remote, wait } from 'mobula';
import { type Cluster, type ClusterNode, startCluster } from 'mobula/testing';
import { spinSlowly } from '../support/slow-in-threads.ts';

/** What each of two nodes runs at least. On a quiet machine it is about a half. */
const LEAST = 0.15;

/** Is busy for so long. */
const spin = (ms: number): void => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

const spinHere = (ms: number): string | undefined => {
  spin(ms);
  return context().nodeId;
};

const children = remote(async (n: number, ms: number) => {
  const child = remote(
    (time: number) => {
      const end = performance.now() + time;
      while (performance.now() < end);
      return context().nodeId;
    },
    { name: `of ${ms} ms` },
  );
  const ran = await get(Array.from({ length: n }, () => child.remote(ms)));
  return { here: context().nodeId, ran };
});

const sleepers = remote(async (n: number, ms: number) => {
  const child = remote(
    async (time: number) => {
      await new Promise((resolve) => setTimeout(resolve, time));
      return context().nodeId;
    },
    { name: 'sleeper' },
  );
  const ran = await get(Array.from({ length: n }, () => child.remote(ms)));
  return { here: context().nodeId, ran };
});

interface Ran {
  readonly value: number;
  /** How many tasks each node has run. */
  readonly at: Readonly<Record<string, number>>;
}

/** A Fibonacci number by a tree of tasks whose leaves take some milliseconds. */
const fib = remote(
  async (n: number, ms: number): Promise<Ran> => {
    const at: Record<string, number> = { [String(context().nodeId)]: 1 };
    if (n < 2) {
      spin(ms);
      return { value: n, at };
    }
    const parts = (await get([fib.remote(n - 1, ms), fib.remote(n - 2, ms)])) as Ran[];
    let value = 0;
    for (const part of parts) {
      value += part.value;
      for (const [node, count] of Object.entries(part.at)) at[node] = (at[node] ?? 0) + count;
    }
    return { value, at };
  },
  { name: 'fib' },
);

/** Has each node run a task: its worker is up. */
async function warm({ nodes }: Cluster): Promise<void> {
  const nothing = remote(() => context().nodeId, { name: 'nothing' });
  const there = ({ nodeId }: ClusterNode) => nothing.options({ schedulingStrategy: { nodeId } });
  await get(nodes.map((node) => there(node).remote()));
}

function share(ran: readonly (string | undefined)[], node: ClusterNode | undefined): number {
  return ran.filter((id) => id === node?.nodeId).length / ran.length;
}

describe('a node with more to do than it soon comes to', () => {
  it('keeps ten thousand tasks of 2 µs', async () => {
    await using cluster = await startCluster({ nodes: [{ numCpus: 2 }, { numCpus: 1 }] });
    await using _runtime = await init({ address: cluster.address });
    await warm(cluster);
    const [nodeId = ''] = cluster.nodes.map((node) => node.nodeId);
    const parent = children.options({ schedulingStrategy: { nodeId } });
    // What a thread does for the first time takes it long.
    await get(parent.remote(100, 0.002));
    for (let round = 0; round < 3; round++) {
      const { here, ran } = await get(parent.remote(10_000, 0.002));
      assert.equal(here, nodeId);
      assert.equal(ran.length, 10_000);
      const away = ran.filter((node) => node !== nodeId).length;
      // A few before it is known what they take; on a machine whose CPUs are busy with other programs some more look long.
      assert.ok(away <= 100, `${away} were forwarded in round ${round}`);
    }
  });

  it('shares tasks that take long, of the CPU or not', async () => {
    await using cluster = await startCluster({ nodes: [{ numCpus: 1 }, { numCpus: 1 }] });
    await using _runtime = await init({ address: cluster.address });
    await warm(cluster);
    for (const parent of [children, sleepers]) {
      const { ran } = await get(parent.remote(200, 20));
      assert.equal(ran.length, 200);
      for (const node of cluster.nodes) {
        assert.ok(share(ran, node) >= LEAST, `one node ran ${share(ran, node)}`);
      }
    }
  });

  it('shares a tree of tasks', async () => {
    await using cluster = await startCluster({ nodes: [{ numCpus: 1 }, { numCpus: 1 }] });
    await using _runtime = await init({ address: cluster.address });
    await warm(cluster);
    const { value, at } = await get(fib.remote(12, 10));
    assert.equal(value, 144);
    const all = Object.values(at).reduce((a, b) => a + b, 0);
    assert.equal(all, 465);
    for (const { nodeId } of cluster.nodes) {
      assert.ok((at[nodeId] ?? 0) / all >= LEAST, `one node ran ${at[nodeId]} of ${all}`);
    }
  });

  it('shares what a driver with a CPU of its own submits', async () => {
    await using cluster = await startCluster({ nodes: [{ numCpus: 1 }] });
    await using _runtime = await init({ address: cluster.address, numCpus: 1 });
    await warm(cluster);
    // The code of the second takes its time to load in each thread. Tasks that waited there for it went nowhere else.
    const slow = remote((ms: number) => spinSlowly(ms), { name: 'slow to load' });
    for (const child of [remote(spinHere, { name: 'spin' }), slow]) {
      const ran = await get(Array.from({ length: 200 }, () => child.remote(20)));
      const away = share(ran, cluster.nodes[0]);
      assert.equal(away + ran.filter((id) => id === context().nodeId).length / ran.length, 1);
      assert.ok(away >= LEAST, `the node ran ${away}`);
      assert.ok(away <= 1 - LEAST, `the driver ran ${1 - away}`);
    }
  });

  it('has every task end once when a node dies meanwhile', async () => {
    await using cluster = await startCluster({ nodes: [{ numCpus: 1 }, { numCpus: 1 }, { numCpus: 1 }] });
    await using _runtime = await init({ address: cluster.address });
    await warm(cluster);
    const tree = fib.options({ maxRetries: 10 });
    const trees = Array.from({ length: 4 }, () => tree.remote(9, 5));
    await wait(trees, { numReturns: 1 });
    cluster.nodes[0]?.kill();
    for (const { value, at } of await get(trees)) {
      assert.equal(value, 34);
      assert.equal(
        Object.values(at).reduce((a, b) => a + b, 0),
        109,
      );
    }
  });
});
