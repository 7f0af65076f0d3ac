// Tasks that have not begun come back: of a node that leaves, and from behind one that takes long, where another node has a place.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { context, get, init, type ObjectRef, remote, shutdown } from 'mobula';
import { type Cluster, startCluster } from 'mobula/testing';

const limit = { timeout: 300_000 };

/** Holds its worker until there is that file. Gives its node. */
const step = remote(async (file: string | undefined) => {
  const { existsSync } = await import('node:fs');
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  while (file !== undefined && !existsSync(file)) Atomics.wait(nothing, 0, 0, 20);
  return context().nodeId;
});

/** A cluster of nodes of one CPU, whose first has a task that holds it, and others behind that. */
async function held(
  t: TestContext,
): Promise<{ cluster: Cluster; long: ObjectRef<string>; short: ObjectRef<string>[]; end(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'mobula-back-'));
  const cluster = await startCluster({ nodes: [{ numCpus: 1 }] });
  t.after(async () => {
    await shutdown();
    await cluster.stop();
    rmSync(folder, { recursive: true });
  });
  await init({ address: cluster.address });
  // From now on it is known to take little: several go to the node at once.
  await get(Array.from({ length: 200 }, () => step.remote(undefined)));
  const file = join(folder, 'end');
  const long = step.remote(file);
  const short = Array.from({ length: 5 }, () => step.remote(undefined));
  return { cluster, long, short, end: () => writeFileSync(file, '') };
}

for (const [when, ms] of [
  ['before its node tells that it waits', 0],
  // By then its node has told that, mostly.
  ['later', 2500],
] as const) {
  it(`comes back from behind a task that takes long, where another node has a place ${when}`, limit, async (t) => {
    const { cluster, long, short, end } = await held(t);
    await sleep(ms);
    const { nodeId } = await cluster.addNode({ numCpus: 1 });
    assert.deepEqual(new Set(await get(short)), new Set([nodeId]));
    end();
    assert.equal(await get(long), cluster.nodes[0]?.nodeId);
  });
}

it('comes back from a node that leaves, and goes elsewhere; what has begun there ends there', limit, async (t) => {
  const { cluster, long, short, end } = await held(t);
  const [first] = cluster.nodes;
  const { nodeId } = await cluster.addNode({ numCpus: 1 });
  const left = first?.stop();
  assert.deepEqual(new Set(await get(short)), new Set([nodeId]));
  end();
  assert.equal(await get(long), first?.nodeId);
  await left;
});
