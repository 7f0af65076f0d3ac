// A node dies: what it had begun is an attempt, what only waited there is none.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it, type TestContext } from 'node:test';
import { cancel, context, get, init, nodes, type ObjectRef, remote, shutdown, wait } from 'mobula';
import { type Cluster, startCluster } from 'mobula/testing';
import { until } from '../support/until.ts';
import { User } from './commands.ts';

/** Kills the whole node, from within, after 5 ms. */
const poison = (maxRetries: number) =>
  remote(
    () => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      process.kill(process.pid, 'SIGKILL');
    },
    { maxRetries },
  );
/** Blocks its thread for a while: the others wait. */
const queued = remote(
  (n: number) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    return [n, context().attempt] as const;
  },
  { maxRetries: 0 },
);
/** A folder that is gone after the test. */
function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'mobula-begun-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** Runs some, so that others are sent ahead: it is known how short they are. */
async function known<Arg>(fn: { remote(arg: Arg): ObjectRef<unknown> }, arg: Arg): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await get(Array.from({ length: 10 }, () => fn.remote(arg)));
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const isDead = (nodeId: string): boolean => nodes().find((node) => node.nodeId === nodeId)?.alive === false;

describe('tasks of a node that dies', { timeout: 300_000 }, () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: [] });
    await init({ address: cluster.address, infeasibleAfterMs: 60_000 });
  });
  after(async () => {
    await shutdown();
    await cluster.stop();
  });

  // A test that fails leaves no node for the others.
  afterEach(async () => {
    await Promise.all(cluster.nodes.map((node) => node.stop()));
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
    await known(queued, 0);
    const bad = poison(0).remote();
    const behind = Array.from({ length: 100 }, (_, i) => queued.remote(i));
    await assert.rejects(get(bad), (error: Error) => {
      assert.equal(error.name, 'NodeDiedError');
      assert.match(error.message, new RegExp(victim.nodeId));
      return true;
    });
    await cluster.addNode({ numCpus: 1 });
    assert.equal(await survivors(behind), 1);
  });

  it('what came back before its node was killed stays, and what waited behind the task that did it goes on', async (t) => {
    const victim = await cluster.addNode({ numCpus: 1 });
    const gate = join(folder(t), 'gate');
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
    await cluster.addNode({ numCpus: 1 });
    assert.equal(await survivors(behind), 1);
  });

  it('a node killed from outside charges the task that ran, and none that waited', async (t) => {
    const mark = join(folder(t), 'begun');
    const victim = await cluster.addNode({ numCpus: 1 });
    const started = remote(() => context().nodeId);
    const spins = remote(
      () => {
        process.getBuiltinModule('node:fs').writeFileSync(mark, '');
        for (;;);
      },
      { maxRetries: 0 },
    );
    assert.equal(await get(started.remote()), victim.nodeId);
    const long = spins.remote();
    const behind = Array.from({ length: 20 }, (_, i) => queued.remote(i));
    await until(() => existsSync(mark));
    victim.kill();
    await assert.rejects(get(long), { name: 'NodeDiedError' });
    await cluster.addNode({ numCpus: 1 });
    assert.equal(await survivors(behind), 1);
  });

  it('a task that goes on in the background has begun, until its submitter has its answer', async (t) => {
    const victim = await cluster.addNode({ numCpus: 2, resources: { slow: 8 } });
    const marks = folder(t);
    const sleeps = remote(
      async (n: number) => {
        process.getBuiltinModule('node:fs').writeFileSync(`${marks}/${n}`, '');
        await new Promise(() => {});
      },
      { numCpus: 0, resources: { slow: 1 }, maxRetries: 0 },
    );
    const ends = remote(async () => new Promise<number>((resolve) => setImmediate(() => resolve(1))), {
      maxRetries: 0,
    });
    const pending = Array.from({ length: 8 }, (_, i) => sleeps.remote(i));
    await until(() => readdirSync(marks).length === 8);
    const waits = Array.from({ length: 3 }, () => sleeps.remote(9));
    assert.deepEqual(await get(Array.from({ length: 20 }, () => ends.remote())), new Array(20).fill(1));
    await wait(waits, { timeoutMs: 500 });
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
    await cluster.addNode({ numCpus: 1 });
    assert.equal(await get(ref), 2);
  });

  it('a task whose thread dies, and whose node dies at its next attempt, is charged for both', async () => {
    const fatal = (maxRetries: number) =>
      remote(
        () => {
          const { attempt = 0 } = context();
          if (attempt === 1) process.exit(1);
          if (attempt === 2) process.kill(process.pid, 'SIGKILL');
          return attempt;
        },
        { maxRetries },
      );
    for (const maxRetries of [1, 2]) {
      const victim = await cluster.addNode({ numCpus: 1 });
      const ref = fatal(maxRetries).remote();
      await until(() => isDead(victim.nodeId));
      const next = await cluster.addNode({ numCpus: 1 });
      if (maxRetries === 2) assert.equal(await get(ref), 3);
      else await assert.rejects(get(ref), { name: 'NodeDiedError', message: new RegExp(victim.nodeId) });
      await next.stop();
    }
  });

  it('a task whose thread dies is charged for that alone when its node dies before its next attempt begins', async (t) => {
    const victim = await cluster.addNode({ numCpus: 1 });
    const gate = join(folder(t), 'gate');
    const gated = remote(
      async () => {
        const { attempt = 0 } = context();
        const { existsSync } = process.getBuiltinModule('node:fs');
        while (attempt === 1 && !existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, 2));
        if (attempt === 1) process.exit(1);
        return attempt;
      },
      { maxRetries: 1 },
    );
    const began = join(folder(t), 'began');
    const spins = remote(
      () => {
        process.getBuiltinModule('node:fs').writeFileSync(began, '');
        for (;;);
      },
      { maxRetries: 0 },
    );
    const ref = gated.remote();
    // It takes the place that the other leaves.
    const long = spins.remote();
    await wait([ref], { timeoutMs: 200 });
    writeFileSync(gate, '');
    await until(() => existsSync(began));
    await wait([ref], { timeoutMs: 500 });
    victim.kill();
    await assert.rejects(get(long), { name: 'NodeDiedError' });
    await cluster.addNode({ numCpus: 1 });
    assert.equal(await get(ref), 2);
  });

  it('a task that waits there for the result of one that had begun is not charged with it', async () => {
    const victim = await cluster.addNode({ numCpus: 1 });
    const maker = remote(
      () => {
        const { attempt } = context();
        if (attempt === 1) for (;;);
        return attempt;
      },
      { maxRetries: 1 },
    );
    const made = maker.remote();
    const last = remote((n: number | undefined) => [n, context().attempt], { maxRetries: 0 });
    const next = remote((n: number | undefined) => n, { maxRetries: 0 });
    const ref = last.remote(next.remote(made));
    await wait([ref], { timeoutMs: 1000 });
    victim.kill();
    await until(() => isDead(victim.nodeId));
    await cluster.addNode({ numCpus: 1 });
    assert.deepEqual(await get(ref), [2, 1]);
  });

  it('a poison task that is tried again takes a node each time, and nothing that only waits there', async (t) => {
    const taken = ['', ''];
    const marks = folder(t);
    const marked = remote(
      (n: number) => {
        process.getBuiltinModule('node:fs').writeFileSync(`${marks}/${n}`, '');
        return context().attempt;
      },
      { maxRetries: 0 },
    );
    const bad = poison(1).remote();
    const behind = Array.from({ length: 100 }, (_, i) => marked.remote(i));
    for (const i of taken.keys()) {
      const { nodeId } = await cluster.addNode({ numCpus: 1 });
      taken[i] = nodeId;
      await until(() => isDead(nodeId));
    }
    await assert.rejects(get(bad), { name: 'NodeDiedError', message: new RegExp(taken[1] as string) });
    await cluster.addNode({ numCpus: 1 });
    const ended = await Promise.allSettled(behind.map((ref) => get(ref)));
    const lost = ended.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []));
    assert.ok(ended.every((one) => one.status === 'rejected' || one.value === 1));
    // The answer of one that had just ended may die with its node.
    assert.ok(lost.length <= taken.length, `${lost.length} were lost`);
    assert.ok(lost.every((i) => existsSync(join(marks, String(i)))));
  });

  it('all that a node had accepted counts as begun where its supervisor dies with it', {
    timeout: 120_000,
  }, async (t) => {
    const user = new User(t);
    const token = { MOBULA_AUTH_TOKEN: process.env['MOBULA_AUTH_TOKEN'] };
    const args = ['start', '--address', cluster.address, '--num-cpus', '1', '--json'];
    const supervisor = user.start(t, args, token);
    const { nodeId = '' } = JSON.parse(await supervisor.line()) as { readonly nodeId?: string };
    const began = join(folder(t), 'began');
    const quick = remote(
      (n: number) => {
        if (n > 0) return n;
        process.getBuiltinModule('node:fs').writeFileSync(began, '');
        for (;;);
      },
      { maxRetries: 0 },
    );
    await known(quick, 1);
    const [long, ...behind] = Array.from({ length: 20 }, (_, i) => quick.remote(i));
    await until(() => existsSync(began));
    await wait(behind, { timeoutMs: 500 });
    supervisor.process.kill('SIGKILL');
    await assert.rejects(get(long as ObjectRef<number>), { name: 'NodeDiedError', message: new RegExp(nodeId) });
    // Some were not sent there.
    for (const ref of behind) await cancel(ref);
    const ended = await Promise.allSettled(behind.map((ref) => get(ref)));
    const lost = ended.filter((one) => one.status === 'rejected' && (one.reason as Error).name === 'NodeDiedError');
    assert.ok(lost.length > 0);
  });
});
