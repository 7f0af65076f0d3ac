import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { availableResources, cancel, get, remote, TaskError, TaskTimeoutError } from 'mobula';
import { Ledger } from '../support/ledger.ts';
import { assertQuiet, limit, suite } from '../support/suite.ts';
import { until } from '../support/until.ts';
import { Workers } from '../support/workers.ts';

const workers = new Workers();
suite();

const double = remote((n: number) => n * 2);
const later = remote((n: number, ms: number) => new Promise<number>((resolve) => setTimeout(() => resolve(n), ms)), {
  numCpus: 0.01,
});
const flag = (): Int32Array => new Int32Array(new SharedArrayBuffer(8));

test('process.abort is an error of the task and ends nothing', limit, async () => {
  await assert.rejects(get(remote(() => process.abort()).remote()), (error) => error instanceof TaskError);
  assert.equal(await get(double.remote(2)), 4);
});

test('a poison task among 10 000 fails after three workers, and the others come out right', limit, async () => {
  const ended = flag();
  const poison = remote((count: Int32Array) => {
    Atomics.add(count, 0, 1);
    process.exit(9);
  });
  const ledger = new Ledger();
  for (let i = 0; i < 10_000; i++) {
    if (i === 5000) ledger.failure(poison.remote(ended), 'ERR_MOBULA_WORKER_DIED', 'the poison');
    ledger.value(double.remote(i), i * 2);
  }
  await ledger.assertRight();
  assert.equal(ended[0], 3);
});

test('a poison task that waits first takes no attempt from those it shares its threads with', limit, async () => {
  // What shared a thread with a task that killed it lost an attempt each time: four such tasks failed it.
  const ended = flag();
  const poison = remote(
    async (count: Int32Array) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      Atomics.add(count, 0, 1);
      process.exit(9);
    },
    { numCpus: 0.01 },
  );
  const ledger = new Ledger();
  for (let i = 0; i < 40; i++) ledger.value(later.options({ maxRetries: 1 }).remote(i, 300), i);
  for (let i = 0; i < 4; i++) ledger.failure(poison.remote(ended), 'ERR_MOBULA_WORKER_DIED', 'a poison');
  await ledger.assertRight();
  assert.equal(ended[0], 12);
});

test('maxRetries given is how often a task that ends its workers is tried again', limit, async () => {
  const attempts = flag();
  const dies = remote((count: Int32Array) => {
    if (Atomics.add(count, 0, 1) < 5) process.exit(1);
    return 'sixth';
  });
  assert.equal(await get(dies.options({ maxRetries: 5 }).remote(attempts)), 'sixth');
});

test('a loop without end is stopped by its timeoutMs, and its neighbours run again', limit, async () => {
  const loop = remote(() => {
    for (;;);
  });
  const ledger = new Ledger();
  for (let i = 0; i < 20; i++) ledger.value(later.options({ maxRetries: 0 }).remote(i, 200), i);
  for (let i = 0; i < 6; i++) ledger.failure(loop.options({ timeoutMs: 30 }).remote(), 'ERR_MOBULA_TASK_TIMEOUT');
  await ledger.assertRight();
});

test('a loop without end and without timeoutMs starves nothing that waits on a CPU of its own', limit, async () => {
  // It got the thread of a task that waited there, although another thread had nothing to do.
  const loop = remote(() => {
    for (;;);
  });
  const waits = [
    remote(async (ms: number) => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return ms;
    }),
    remote((ms: number) => new Promise<number>((resolve) => setTimeout(() => resolve(ms), ms))),
  ];
  for (let i = 0; i < 6; i++) {
    const waiting = (waits[i % 2] as (typeof waits)[number]).remote(20 + i);
    const endless = loop.remote();
    assert.equal(await get(waiting), 20 + i);
    await cancel(endless, { force: true });
    await assert.rejects(get(endless), { code: 'ERR_MOBULA_TASK_CANCELLED' });
  }
});

test('a loop without end and without timeoutMs is ended by cancel with force', limit, async () => {
  const begun = flag();
  const loop = remote((mark: Int32Array) => {
    Atomics.store(mark, 0, 1);
    for (;;);
  });
  const ref = loop.remote(begun);
  await until(() => begun[0] === 1);
  await cancel(ref, { force: true });
  await assert.rejects(get(ref), { code: 'ERR_MOBULA_TASK_CANCELLED' });
  assert.equal(await get(double.options({ numCpus: 2 }).remote(3)), 6);
});

test('cancelling races completion: each ref has exactly one outcome', limit, async () => {
  const work = remote((ms: number) => {
    const end = performance.now() + ms;
    while (performance.now() < end);
    return ms;
  });
  const ledger = new Ledger();
  for (let i = 0; i < 200; i++) {
    const ms = (i % 10) / 5;
    const ref = work.remote(ms);
    ledger.valueOr(ref, ms, (error) => error.code === 'ERR_MOBULA_TASK_CANCELLED');
    setTimeout(() => void cancel(ref), (i % 7) / 3);
    if (i % 20 === 19) await ledger.assertRight();
  }
  await assertQuiet();
});

test('a task that hangs in native code is settled in time, and its thread replaced', limit, async () => {
  // Its thread was waited for as long as the native call took, and its resources with it.
  const begun = flag();
  const hang = remote((mark: Int32Array) => {
    Atomics.store(mark, 0, 1);
    execFileSync('sleep', ['8']);
  });
  const ref = hang.options({ timeoutMs: 100, numCpus: 2 }).remote(begun);
  const neighbour = later.options({ maxRetries: 0 }).remote(1, 1);
  await assert.rejects(get(ref), (error) => error instanceof TaskTimeoutError);
  assert.equal(begun[0], 1);
  const hanging = workers.live.length;
  await until(() => availableResources()['CPU'] === 2);
  assert.equal(await get(neighbour), 1);
  assert.equal(await get(double.options({ numCpus: 2 }).remote(21)), 42);
  // The native call returns, and the thread ends after all; nothing is buried twice.
  await until(() => workers.live.length <= hanging, undefined, 12_000);
  assert.equal(await get(double.options({ numCpus: 2 }).remote(2)), 4);
});

test("ArrayBuffers beyond any heap limit are the task's own, and are given back", limit, async () => {
  const hog = remote((mebibytes: number) => {
    const kept = Array.from({ length: mebibytes / 16 }, (_, i) => new Uint8Array(16 * 2 ** 20).fill(i));
    return kept.length;
  });
  const before = process.memoryUsage.rss();
  assert.equal(await get(hog.remote(512)), 32);
  assert.equal(await get(hog.remote(512)), 32);
  await assertQuiet();
  await until(() => process.memoryUsage.rss() < before + 600 * 2 ** 20);
});

test('threads killed from outside cost nobody a result', limit, async () => {
  const ledger = new Ledger();
  for (let i = 0; i < 3000; i++) ledger.value(double.remote(i), 2 * i);
  for (let i = 0; i < 30; i++) ledger.value(later.options({ maxRetries: -1 }).remote(i, 20), i);
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    workers.kill(i);
  }
  await ledger.assertRight();
});
