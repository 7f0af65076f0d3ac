import assert from 'node:assert/strict';
import test, { afterEach } from 'node:test';
import {
  type ActorHandle,
  allocate,
  cancel,
  context,
  get,
  init,
  isInitialized,
  MobulaError,
  type ObjectRef,
  put,
  Runtime,
  RuntimeClosedError,
  remote,
  shutdown,
  wait,
} from 'mobula';
import { collect } from '../support/garbage.ts';
import { openFiles, residentBytes, threads } from '../support/machine.ts';
import { limit } from '../support/suite.ts';
import { until } from '../support/until.ts';

afterEach(() => shutdown({ timeoutMs: 1000 }));

const add = remote((a: number, b: number) => a + b);
const sleep = remote((ms: number) => new Promise<number>((resolve) => setTimeout(() => resolve(ms), ms)));
class CounterClass {
  #n = 0;
  inc(): number {
    return ++this.#n;
  }
}
const Counter = remote(CounterClass);
const closed = (error: unknown): boolean =>
  error instanceof RuntimeClosedError && error.code === 'ERR_MOBULA_RUNTIME_CLOSED';

test('the first call starts a runtime', limit, async () => {
  assert.equal(isInitialized(), false);
  assert.equal(await get(add.remote(1, 2)), 3);
  assert.equal(isInitialized(), true);
  await shutdown();
  assert.equal(isInitialized(), false);
});

test('after shutdown only init starts a runtime again', limit, async () => {
  await init({ numCpus: 1 });
  const ref = add.remote(1, 2);
  const counter: ActorHandle<typeof CounterClass> = Counter.remote();
  assert.equal(await get(ref), 3);
  await shutdown();
  assert.throws(() => add.remote(1, 2), closed);
  assert.throws(() => put(1), closed);
  assert.throws(() => allocate(Uint8Array, 8), closed);
  assert.throws(() => counter.inc.remote(), closed);
  assert.throws(() => Counter.remote(), closed);
  await assert.rejects(get(ref), closed);
  await assert.rejects(wait([ref]), closed);
  await assert.rejects(cancel(ref), closed);
  assert.throws(() => context(), closed);
  ref[Symbol.dispose]();
  assert.match(ref.id, /./);
  await init({ numCpus: 1 });
  await assert.rejects(get(ref), (error) => error instanceof MobulaError);
  assert.throws(
    () => add.remote(ref, 1),
    (error) => error instanceof MobulaError,
  );
  assert.equal(await get(add.remote(2, 2)), 4);
  assert.equal(await get(Counter.remote().inc.remote()), 1);
});

test('shutdown waits for the work in flight', limit, async () => {
  await init({ numCpus: 2 });
  const values = [get(sleep.remote(30)), get(add.remote(1, 1)), get(Counter.remote().inc.remote())];
  await shutdown();
  assert.deepEqual(await Promise.all(values), [30, 2, 1]);
});

test('shutdown with timeoutMs rejects what is left', limit, async () => {
  await init({ numCpus: 2 });
  const begun = new Int32Array(new SharedArrayBuffer(4));
  const running = get(sleep.remote(60_000));
  const spinning = get(
    remote((begun: Int32Array): number => {
      Atomics.store(begun, 0, 1);
      for (;;);
    }).remote(begun),
  );
  while (Atomics.load(begun, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const queued = get(add.options({ numCpus: 2 }).remote(1, 2));
  const settled = Promise.allSettled([running, spinning, queued]);
  await shutdown({ timeoutMs: 50 });
  for (const outcome of await settled) {
    assert.equal(outcome.status, 'rejected');
    assert.ok(closed((outcome as PromiseRejectedResult).reason), String((outcome as PromiseRejectedResult).reason));
  }
});

test('shutdown twice, and without a runtime', limit, async () => {
  await shutdown();
  await init({ numCpus: 1 });
  await Promise.all([shutdown(), shutdown()]);
  await shutdown();
});

test('a runtime can be disposed of', limit, async () => {
  const runtime = await init({ numCpus: 1 });
  assert.ok(runtime instanceof Runtime);
  assert.equal(runtime.nodeId, context().nodeId);
  assert.equal(await get(add.remote(1, 2)), 3);
  await runtime[Symbol.asyncDispose]();
  assert.equal(isInitialized(), false);
});

test('a task may not shut its runtime down, nor init another', limit, async () => {
  await init({ numCpus: 1 });
  await assert.rejects(get(remote(() => shutdown()).remote()), /driver/);
  await assert.rejects(get(remote(async () => void (await init())).remote()), /worker/);
  assert.equal(await get(remote(() => isInitialized()).remote()), true);
  assert.equal(await get(add.remote(1, 2)), 3);
});

test('bad init options are refused by name, and start nothing', limit, async () => {
  const bad: readonly (readonly [object, RegExp])[] = [
    [{ numCpu: 1 }, /numCpu/],
    [{ numCpus: -1 }, /numCpus/],
    [{ numCpus: 5000 }, /numCpus/],
    [{ objectStoreMemory: '12MB' }, /objectStoreMemory/],
    [{ objectStoreMemory: 5 }, /objectStoreMemory/],
    [{ resources: { CPU: 1 } }, /CPU/],
    [{ namespace: '' }, /namespace/],
    [{ spillDirectory: '/nonexistent/folder' }, /spill|nonexistent/],
    [{ address: '' }, /address/],
  ];
  for (const [options, named] of bad) {
    await assert.rejects(
      init(options),
      (error) => error instanceof MobulaError && named.test(error.message),
      JSON.stringify(options),
    );
    assert.equal(isInitialized(), false);
  }
  await init({ numCpus: 1 });
  assert.equal(await get(add.remote(1, 2)), 3);
});

test('numCpus: 0 runs what needs none', limit, async () => {
  await init({ numCpus: 0 });
  assert.throws(() => add.remote(1, 2), /CPU/);
  assert.equal(await get(Counter.remote().inc.remote()), 1);
  assert.equal(await get(add.options({ numCpus: 0 }).remote(1, 2)), 3);
});

test('init and shutdown, twenty times, leave nothing behind', { timeout: 60_000 }, async () => {
  const round = async (): Promise<void> => {
    await init({ numCpus: 2, objectStoreMemory: '32MiB' });
    const counter = Counter.remote();
    const refs: ObjectRef<number>[] = [counter.inc.remote(), add.remote(put(1), 2)];
    assert.deepEqual(await get(refs), [1, 3]);
    assert.equal((await get(put(new Uint8Array(2 ** 20).fill(3))))[5], 3);
    await shutdown();
    await collect();
  };
  for (let i = 0; i < 3; i++) await round();
  const [before, files, bytes] = [threads(), openFiles(), residentBytes()];
  for (let i = 0; i < 20; i++) await round();
  await until(
    () => threads() <= before,
    () => `${threads()} threads, ${before} before`,
  );
  await until(
    () => openFiles().length <= files.length,
    () => `${openFiles().join('\n')}\nbefore:\n${files.join('\n')}`,
  );
  const grown = (residentBytes() - bytes) / 2 ** 20;
  assert.ok(grown < 40, `${grown} MiB more`);
});

test('shutdown right after init', limit, async () => {
  for (let i = 0; i < 5; i++) {
    await init({ numCpus: 2 });
    await shutdown();
  }
});
