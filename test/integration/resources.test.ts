import assert from 'node:assert/strict';
import test from 'node:test';
import { availableResources, clusterResources, get, nodes, remote, UnschedulableError } from 'mobula';
import { limit, suite } from '../support/suite.ts';
import { until } from '../support/until.ts';

suite({ numCpus: 2, numGpus: 1, resources: { disk: 3, slot: 0.5 }, objectStoreMemory: '64MiB' });

/** Counts how many run at once: [now, most]. Goes on until `atLeast` have. */
const busy = remote(async (shared: Int32Array, atLeast: number) => {
  const now = Atomics.add(shared, 0, 1) + 1;
  for (let most = Atomics.load(shared, 1); most < now; most = Atomics.load(shared, 1)) {
    Atomics.compareExchange(shared, 1, most, now);
  }
  while (Atomics.load(shared, 1) < atLeast) await new Promise((resolve) => setTimeout(resolve, 1));
  // Time for more to begin, if they may.
  await new Promise((resolve) => setTimeout(resolve, 10));
  Atomics.sub(shared, 0, 1);
});

/** The most of `count` tasks that ran at once. Ends once `atLeast` have: a second thread may be long in coming. */
const most = async (options: Parameters<typeof busy.options>[0], atLeast: number, count = 12): Promise<number> => {
  const shared = new Int32Array(new SharedArrayBuffer(8));
  await get(Array.from({ length: count }, () => busy.options(options).remote(shared, atLeast)));
  return Atomics.load(shared, 1);
};

test('the cluster has what init was told', limit, () => {
  const { memory, ...rest } = clusterResources();
  assert.deepEqual(rest, { CPU: 2, GPU: 1, disk: 3, slot: 0.5 });
  assert.ok((memory ?? 0) > 0);
  assert.deepEqual(availableResources(), clusterResources());
});

test('nodes() names this one', limit, () => {
  const [node, ...others] = nodes();
  assert.equal(others.length, 0);
  assert.equal(node?.pid, process.pid);
  assert.equal(node?.alive, true);
  assert.deepEqual(node?.resources, clusterResources());
});

test('tasks hold a CPU each', limit, async () => {
  assert.equal(await most({}, 2), 2);
});

test('a task may hold all CPUs', limit, async () => {
  assert.equal(await most({ numCpus: 2 }, 1, 4), 1);
});

test('fractions of a CPU', limit, async () => {
  const together = await most({ numCpus: 0.25 }, 3, 24);
  assert.ok(together <= 8, `${together} at once`);
});

test('tasks without CPUs are not held back', limit, async () => {
  assert.ok((await most({ numCpus: 0 }, 3, 24)) >= 3);
});

test('custom resources are counted', limit, async () => {
  assert.equal(await most({ numCpus: 0, resources: { disk: 1 } }, 3), 3);
  assert.equal(await most({ numCpus: 0, resources: { slot: 0.25 } }, 2, 8), 2);
  assert.equal(await most({ numCpus: 0, resources: { slot: 0.5, disk: 1 } }, 1, 4), 1);
});

test('GPUs and memory are counted', limit, async () => {
  assert.equal(await most({ numCpus: 0, numGpus: 0.5 }, 2, 6), 2);
  const half = Math.floor((clusterResources()['memory'] ?? 0) / 2);
  assert.equal(await most({ numCpus: 0, memory: half }, 2, 6), 2);
});

test('what runs is missing from what is available', limit, async () => {
  const hold = remote(
    async (shared: Int32Array) => {
      Atomics.store(shared, 0, 1);
      while (Atomics.load(shared, 1) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    },
    { numCpus: 0.5, numGpus: 1, resources: { disk: 2.5 } },
  );
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const ref = hold.remote(shared);
  await until(() => Atomics.load(shared, 0) === 1);
  const { CPU, GPU, disk, slot } = availableResources();
  assert.deepEqual({ CPU, GPU, disk, slot }, { CPU: 1.5, GPU: 0, disk: 0.5, slot: 0.5 });
  Atomics.store(shared, 1, 1);
  await get(ref);
  await until(() => availableResources()['GPU'] === 1);
});

test('asking for more than any node has is refused at the call', limit, () => {
  for (const options of [{ numCpus: 3 }, { numGpus: 2 }, { resources: { disk: 4 } }, { resources: { unknown: 1 } }]) {
    assert.throws(
      () => busy.options(options).remote(new Int32Array(2), 1),
      (error) => {
        assert.ok(error instanceof UnschedulableError);
        assert.equal(error.code, 'ERR_MOBULA_UNSCHEDULABLE');
        return true;
      },
    );
    assert.throws(() => remote(class {}, options).remote(), UnschedulableError);
  }
  const advice = /init\(\{ resources: \{ "my disk": … \} \}\)/;
  assert.throws(() => busy.options({ resources: { 'my disk': 1 } }).remote(new Int32Array(2), 1), advice);
});

test('a function that was refused once still works when it asks for less', limit, async () => {
  const f = remote((n: number) => n, { numCpus: 99 });
  assert.throws(() => f.remote(1), UnschedulableError);
  assert.equal(await get(f.options({ numCpus: 1 }).remote(5)), 5);
});

test('a custom resource of 0 asks for nothing', limit, async () => {
  assert.equal(await get(remote(() => 1, { resources: { unknown: 0 } }).remote()), 1);
});

test('a higher priority runs first among ready tasks', limit, async () => {
  const shared = new Int32Array(new SharedArrayBuffer(64));
  const gate = remote(
    (mine: Int32Array) => {
      Atomics.store(mine, 0, 1);
      while (Atomics.load(mine, 1) === 0) Atomics.wait(mine, 1, 0, 50);
    },
    { numCpus: 2 },
  ).remote(shared);
  await until(() => Atomics.load(shared, 0) === 1);
  const note = remote(
    (mine: Int32Array, value: number) => {
      mine[4 + Atomics.add(mine, 2, 1)] = value;
    },
    { numCpus: 2 },
  );
  const refs = [0, -5, 10, 3, -1000, 1000].map((priority) => note.options({ priority }).remote(shared, priority));
  // The core may get the first of them alone, if this thread is slow; after a turn it has all.
  await new Promise((resolve) => setImmediate(resolve));
  Atomics.store(shared, 1, 1);
  Atomics.notify(shared, 1);
  await get([gate, ...refs]);
  assert.deepEqual([...shared.subarray(4, 10)], [1000, 10, 3, 0, -5, -1000]);
});

test('large and small demands do not starve one another', limit, async () => {
  const small = Array.from({ length: 300 }, () => remote(() => 1).remote());
  const large = Array.from({ length: 10 }, () => remote(() => 1, { numCpus: 2 }).remote());
  const special = Array.from({ length: 50 }, () => remote(() => 1, { resources: { disk: 3 } }).remote());
  assert.equal((await get([...small, ...large, ...special])).length, 360);
});
