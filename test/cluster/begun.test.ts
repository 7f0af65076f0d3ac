// A node dies: what it had begun is an attempt, what only waited there is none.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { cancel, context, get, init, nodes, type ObjectRef, remote, shutdown, wait } from 'mobula';
import { type Cluster, startCluster } from 'mobula/testing';
import { until } from '../support/until.ts';

/** Kills the whole node, from within. */
const poison = remote(() => process.kill(process.pid, 'SIGKILL'), { maxRetries: 0 });
/** Blocks its thread for a while: the others wait. */
const queued = remote(
  (n: number) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    return [n, context().attempt] as const;
  },
  { maxRetries: 0 },
);
const isDead = (nodeId: string): boolean => nodes().find((node) => node.nodeId === nodeId)?.alive !== true;

describe('tasks of a node that dies', () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: [] });
    await init({ address: cluster.address, infeasibleAfterMs: 60_000 });
  });
  after(async () => {
    await shutdown();
    await cluster.stop();
  });

  /** One after the other: what came back before is not lost. */
  async function survivors(refs: readonly ObjectRef<readonly [number, number | undefined]>[]): Promise<number> {
    let attempts = 0;
    for (const [i, ref] of refs.entries()) {
      const [n, attempt] = await get(ref);
      assert.equal(n, i);
      attempts = Math.max(attempts, attempt as number);
    }
    return attempts;
  }

  it('a task that kills its node fails, and the hundred that wait there end elsewhere, at their first attempt', async () => {
    const victim = await cluster.addNode({ numCpus: 1 });
    const bad = poison.remote();
    const behind = Array.from({ length: 100 }, (_, i) => queued.remote(i));
    await assert.rejects(get(bad), (error: Error) => {
      assert.equal(error.name, 'NodeDiedError');
      assert.match(error.message, new RegExp(victim.nodeId));
      return true;
    });
    const next = await cluster.addNode({ numCpus: 1 });
    assert.equal(await survivors(behind), 1);
    await next.stop();
  });

  it('what came back before its node was killed stays, and what waited behind the task that did it goes on', async (t) => {
    const victim = await cluster.addNode({ numCpus: 1 });
    const folder = mkdtempSync(join(tmpdir(), 'mobula-begun-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const gate = join(folder, 'gate');
    const gated = remote(
      async () => {
        const { existsSync } = process.getBuiltinModule('node:fs');
        while (!existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, 2));
        process.kill(process.pid, 'SIGKILL');
      },
      { maxRetries: 0 },
    );
    const before = Array.from({ length: 50 }, (_, i) => queued.remote(i));
    const bad = gated.remote();
    const behind = Array.from({ length: 50 }, (_, i) => queued.remote(i));
    assert.equal(await survivors(before), 1);
    writeFileSync(gate, '');
    await assert.rejects(get(bad), { name: 'NodeDiedError', message: new RegExp(victim.nodeId) });
    const next = await cluster.addNode({ numCpus: 1 });
    assert.equal(await survivors(behind), 1);
    await next.stop();
  });

  it('a node killed from outside charges the task that ran, and none that waited', async () => {
    const victim = await cluster.addNode({ numCpus: 1 });
    const started = remote(() => context().nodeId);
    const spins = remote(
      () => {
        for (;;);
      },
      { maxRetries: 0 },
    );
    assert.equal(await get(started.remote()), victim.nodeId);
    const long = spins.remote();
    const behind = Array.from({ length: 20 }, (_, i) => queued.remote(i));
    // It has begun: nothing else would keep the others for so long.
    await wait([long, ...behind], { timeoutMs: 1000 });
    victim.kill();
    await assert.rejects(get(long), { name: 'NodeDiedError' });
    const next = await cluster.addNode({ numCpus: 1 });
    assert.equal(await survivors(behind), 1);
    await next.stop();
  });

  it('a task that goes on in the background has begun, until its submitter has its answer', async () => {
    const victim = await cluster.addNode({ numCpus: 2, resources: { slow: 8 } });
    const sleeps = remote(async () => new Promise<void>(() => {}), {
      numCpus: 0,
      resources: { slow: 1 },
      maxRetries: 0,
    });
    const ends = remote(async () => new Promise<number>((resolve) => setImmediate(() => resolve(1))), {
      maxRetries: 0,
    });
    const pending = Array.from({ length: 8 }, () => sleeps.remote());
    const waits = Array.from({ length: 3 }, () => sleeps.remote());
    assert.deepEqual(await get(Array.from({ length: 20 }, () => ends.remote())), new Array(20).fill(1));
    await wait(pending, { timeoutMs: 500 });
    victim.kill();
    for (const ref of pending) await assert.rejects(get(ref), { name: 'NodeDiedError' });
    // These have not begun: they wait, for a node that has what they ask for.
    const { ready } = await wait(waits, { timeoutMs: 500 });
    assert.equal(ready.length, 0);
    for (const ref of waits) await cancel(ref);
    for (const ref of waits) await assert.rejects(get(ref), { name: 'TaskCancelledError' });
  });

  it('a task that kills its thread is charged once, and its node lives', async () => {
    const node = await cluster.addNode({ numCpus: 1 });
    const exits = remote(() => process.exit(1), { maxRetries: 0 });
    const before = Array.from({ length: 20 }, (_, i) => queued.remote(i));
    const bad = exits.remote();
    const behind = Array.from({ length: 20 }, (_, i) => queued.remote(i));
    await assert.rejects(get(bad), { name: 'WorkerDiedError' });
    assert.equal(await survivors(before), 1);
    assert.equal(await survivors(behind), 1);
    assert.equal(isDead(node.nodeId), false);
    await node.stop();
  });

  it('what was charged is tried again as often as it says', async () => {
    const twice = remote(
      () => {
        const { attempt = 0 } = context();
        if (attempt < 2) process.kill(process.pid, 'SIGKILL');
        return attempt;
      },
      { maxRetries: 1 },
    );
    const first = await cluster.addNode({ numCpus: 1 });
    const ref = twice.remote();
    await until(() => isDead(first.nodeId));
    const second = await cluster.addNode({ numCpus: 1 });
    assert.equal(await get(ref), 2);
    await second.stop();
  });

  it('goes on when a node dies, and uses one that comes', async () => {
    const victim = await cluster.addNode({ numCpus: 2, resources: { extra: 1 } });
    const slow = remote(
      async (n: number) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return [n, context().attempt];
      },
      { resources: { extra: 0.01 }, maxRetries: 5 },
    );
    const refs = Array.from({ length: 60 }, (_, i) => slow.remote(i));
    await wait(refs, { numReturns: 5 });
    victim.kill();
    const next = await cluster.addNode({ numCpus: 2, resources: { extra: 1 } });
    const values = await get(refs);
    assert.deepEqual(
      values.map(([n]) => n),
      refs.map((_, i) => i),
    );
    assert.ok(values.some(([, attempt]) => attempt === 2));
    await until(() => isDead(victim.nodeId));
    await next.stop();
  });
});
