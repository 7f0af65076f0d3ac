// Tasks of a program that joins a cluster of real processes.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  cancel,
  clusterResources,
  context,
  get,
  getActor,
  init,
  isInitialized,
  nodes,
  put,
  remote,
  shutdown,
  wait,
} from 'mobula';
import { type Cluster, startCluster } from 'mobula/testing';

const factor = 3;
const triple = remote((n: number) => n * factor);
const add = remote((a: number, b: number) => a + b);
const here = remote(() => context());
const fib = remote(
  async (n: number): Promise<number> => (n < 2 ? n : (await get([fib.remote(n - 1), fib.remote(n - 2)])).reduce(sum)),
);
const sum = (a: number, b: number): number => a + b;

describe('a job of a cluster', () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: [{ numCpus: 1 }, { numCpus: 1, resources: { disk: 1 } }] });
    await init({ address: cluster.address, infeasibleAfterMs: 300 });
  });
  after(async () => {
    await shutdown();
    await cluster.stop();
  });

  it('has nodes and their resources', () => {
    assert.deepEqual(
      nodes()
        .filter(({ driver }) => !driver)
        .map(({ nodeId }) => nodeId)
        .sort(),
      cluster.nodes.map(({ nodeId }) => nodeId).sort(),
    );
    assert.equal(nodes().filter(({ driver }) => driver).length, 1);
    assert.equal(clusterResources()['CPU'], 2);
    assert.equal(clusterResources()['disk'], 1);
  });

  it('runs tasks on the nodes, with what they capture and with refs as arguments', async () => {
    assert.equal(await get(triple.remote(14)), 42);
    assert.equal(await get(add.remote(triple.remote(1), add.remote(put(4), 5))), 12);
    const all = Array.from({ length: 3000 }, (_, i) => add.remote(i, 1));
    assert.deepEqual(
      await get(all),
      all.map((_, i) => i + 1),
    );
  });

  it('tells tasks where they are, and whose', async () => {
    const own = context();
    const tasks = await get(Array.from({ length: 40 }, () => here.remote()));
    for (const { jobId, nodeId, taskId, attempt } of tasks) {
      assert.equal(jobId, own.jobId);
      assert.ok(cluster.nodes.some((node) => node.nodeId === nodeId));
      assert.match(String(taskId), new RegExp(`^${own.nodeId}[0-9a-f]{16}$`));
      assert.equal(attempt, 1);
    }
    assert.equal(new Set(tasks.map(({ taskId }) => taskId)).size, tasks.length);
  });

  it('runs tasks that submit tasks, themselves among them', async () => {
    assert.equal(await get(fib.remote(9)), 34);
  });

  it('carries values of every kind, and large ones', async () => {
    const echo = remote((value: unknown) => value);
    const value = {
      a: [1, undefined, 3],
      m: new Map([['k', new Set([1n])]]),
      d: new Date(5),
      e: new RangeError('r'),
      z: -0,
    };
    assert.deepEqual(await get(echo.remote(value)), value);
    const same = { x: 1 };
    const twice = (await get(echo.remote([same, same]))) as object[];
    assert.equal(twice[0], twice[1]);
    const text = 'ä'.repeat(100_000);
    assert.equal(await get(echo.remote(text)), text);
    const floats = Float64Array.from({ length: 300_000 }, (_, i) => i);
    assert.deepEqual(await get(echo.remote(floats)), floats);
    const stored = put(floats);
    const last = remote((array: Float64Array) => array.at(-1));
    assert.deepEqual(await get([last.remote(stored), last.remote(echo.remote(stored) as never)]), [299_999, 299_999]);
  });

  it('carries remote functions in values', async () => {
    const apply = remote(async (f: typeof add, n: number) => get(f.remote(n, n)));
    assert.equal(await get(apply.remote(add, 21)), 42);
    const give = remote(() => add);
    const given = await get(give.remote());
    assert.equal(await get(given.remote(1, 2)), 3);
  });

  it('gives several results, and errors as they were thrown', async () => {
    const both = remote((n: number) => [n, n + 1] as const, { numReturns: 2 });
    assert.deepEqual(await get(both.remote(1)), [1, 2]);
    const fail = remote(() => {
      throw new TypeError('no', { cause: { why: 1 } });
    });
    await assert.rejects(get(fail.remote()), (error: Error & { nodeId?: string }) => {
      assert.ok(error instanceof TypeError);
      assert.match(error.message, /no/);
      assert.ok(cluster.nodes.some(({ nodeId }) => nodeId === error.nodeId));
      return true;
    });
    const [first] = remote(() => [1] as unknown as [number, number], { numReturns: 2 }).remote();
    await assert.rejects(get(first), /numReturns: 2/);
  });

  it('tries again what asks for it, and counts attempts at the driver', async () => {
    const second = remote(
      () => {
        const { attempt } = context();
        if (attempt === 1) throw new Error('again');
        return attempt;
      },
      { retryExceptions: true },
    );
    assert.equal(await get(second.remote()), 2);
    const never = remote(
      () => {
        throw new Error(`attempt ${context().attempt}`);
      },
      { retryExceptions: true, maxRetries: 2 },
    );
    await assert.rejects(get(never.remote()), /attempt 3/);
  });

  it('tries again what lost its worker', async () => {
    const exits = remote(() => {
      if ((context().attempt as number) < 3) process.exit(1);
      return context().attempt;
    });
    assert.equal(await get(exits.remote()), 3);
    const poison = remote(() => process.exit(1), { maxRetries: 0 });
    await assert.rejects(get(poison.remote()), { name: 'WorkerDiedError' });
  });

  it('stops tasks that are cancelled, or take too long', async () => {
    const sleeps = remote(async () => {
      // Resolves when the task is told to stop.
      await new Promise((resolve) => context().signal?.addEventListener('abort', resolve));
    });
    const ref = sleeps.remote();
    await wait([ref], { timeoutMs: 200 });
    await cancel(ref);
    await assert.rejects(get(ref), { name: 'TaskCancelledError' });
    const spins = remote(
      () => {
        for (;;);
      },
      { timeoutMs: 200 },
    );
    await assert.rejects(get(spins.remote()), { name: 'TaskTimeoutError' });
    const forced = remote(() => {
      for (;;);
    }).remote();
    await wait([forced], { timeoutMs: 200 });
    await cancel(forced, { force: true });
    await assert.rejects(get(forced), { name: 'TaskCancelledError' });
    // The CPUs are free again.
    assert.equal(await get(triple.remote(2)), 6);
  });

  it('places tasks by resources and by name', async () => {
    const [disk] = nodes().filter(({ resources }) => resources['disk'] === 1);
    const where = remote(() => context().nodeId, { resources: { disk: 1 } });
    assert.deepEqual(new Set(await get([where.remote(), where.remote()])), new Set([disk?.nodeId]));
    for (const { nodeId } of cluster.nodes) {
      const there = remote(() => context().nodeId).options({ schedulingStrategy: { nodeId } });
      assert.equal(await get(there.remote()), nodeId);
    }
  });

  it('fails what no node can run, and says why', async () => {
    const gpu = remote(() => 1, { numGpus: 1 });
    await assert.rejects(get(gpu.remote()), (error: Error) => {
      assert.equal(error.name, 'UnschedulableError');
      assert.match(error.message, /1 GPU/);
      return true;
    });
    const nowhere = remote(() => 1).options({ schedulingStrategy: { nodeId: '00'.repeat(8) } });
    await assert.rejects(get(nowhere.remote()), { name: 'NodeDiedError' });
  });

  it('refuses by name what does not cross nodes yet', async () => {
    const echo = remote((value: unknown) => value);
    const ref = put(1);
    assert.throws(() => echo.remote([ref]), { name: 'SerializationError', message: /args\[0\]\[0\]/ });
    assert.throws(() => echo.remote(new SharedArrayBuffer(8)), { name: 'SerializationError' });
    const captures = remote(() => get(ref));
    assert.throws(() => captures.remote(), { name: 'CaptureError', message: /ref/ });
    class Counter {}
    assert.throws(() => remote(Counter).remote(), { code: 'ERR_MOBULA_NOT_BUILT' });
    await assert.rejects(getActor('x'), { code: 'ERR_MOBULA_NOT_BUILT' });
    const generates = remote(function* () {
      yield 1;
    });
    assert.throws(() => generates.remote(), { code: 'ERR_MOBULA_NOT_BUILT' });
    const inner = remote(() => [put(1)]);
    await assert.rejects(get(inner.remote()), { name: 'TaskError', message: /ref/ });
  });
});

describe('joining and leaving', () => {
  it('says in one line what is wrong with an address or a token', async () => {
    await using cluster = await startCluster({ nodes: [] });
    await assert.rejects(init({ address: '127.0.0.1:1' }), { code: 'ERR_MOBULA_CONNECTION' });
    const authToken = 'another-token-than-that-of-the-cluster';
    await assert.rejects(init({ address: cluster.address, authToken }), { code: 'ERR_MOBULA_UNAUTHORIZED' });
    await assert.rejects(init({ address: 'nonsense' }), { code: 'ERR_MOBULA_INVALID_OPTION' });
    assert.equal(isInitialized(), false);
  });

  it('joins again, and runs alone again', async () => {
    await using cluster = await startCluster({ nodes: [{ numCpus: 1 }] });
    const ids = [];
    for (let i = 0; i < 2; i++) {
      await using _runtime = await init({ address: cluster.address });
      ids.push(context().jobId);
      assert.equal(await get(triple.remote(i)), i * 3);
    }
    assert.notEqual(ids[0], ids[1]);
    await init({ numCpus: 1 });
    assert.equal(await get(triple.remote(2)), 6);
    await shutdown();
  });

  it('runs on the driver what it has CPUs for', async () => {
    await using cluster = await startCluster({ nodes: [] });
    await using _runtime = await init({ address: cluster.address, numCpus: 1 });
    assert.equal((await get(here.remote())).nodeId, context().nodeId);
  });

  it('ends at once when asked to, with work under way', async () => {
    await using cluster = await startCluster({ nodes: [{ numCpus: 1 }] });
    await init({ address: cluster.address });
    const sleeps = remote(async () => {
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });
    const ref = sleeps.remote();
    await wait([ref], { timeoutMs: 100 });
    await shutdown({ timeoutMs: 0 });
    await assert.rejects(get(ref), { name: 'RuntimeClosedError' });
  });
});
