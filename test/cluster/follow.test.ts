// Tasks that wait for what other tasks make: they go where these are, before that is there.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cancel, context, get, init, put, remote, shutdown, TaskCancelledError, TaskError } from 'mobula';
import { startCluster } from 'mobula/testing';
import { Random } from '../support/random.ts';
import { withTwoNodes } from './suite.ts';

const next = remote((n: number) => n + 1);
const add = remote((a: number, b: number) => a + b);
const where = remote((_: unknown) => context().nodeId);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('dependent tasks of a driver without CPUs', () => {
  withTwoNodes();

  it('are a chain of 5 000, each of which runs once', async () => {
    const attempts = remote((n: number) => n + (context().attempt ?? 0));
    let last = attempts.remote(0);
    for (let i = 1; i < 5000; i++) last = attempts.remote(last);
    assert.equal(await get(last), 5000);
  });

  it('are sums over two chains, refs given twice, and results of several', async () => {
    let [a, b] = [next.remote(0), next.remote(10)];
    for (let i = 0; i < 50; i++) [a, b] = [add.remote(a, b), next.remote(b)];
    let [x, y] = [1, 11];
    for (let i = 0; i < 50; i++) [x, y] = [x + y, y + 1];
    assert.deepEqual(await get([a, b]), [x, y]);
    assert.equal(await get(add.remote(a, a)), 2 * x);
    const both = remote((n: number) => [n, -n] as const, { numReturns: 2 });
    const [plus, minus] = both.remote(next.remote(put(4)));
    assert.deepEqual(await get([next.remote(plus), next.remote(minus), add.remote(minus, plus)]), [6, -4, 0]);
  });

  it('carry values of every size, and functions', async () => {
    const grow = remote((array: Float64Array) => Float64Array.from([...array, ...array]));
    let array = grow.remote(new Float64Array([1]));
    for (let i = 0; i < 14; i++) array = grow.remote(array);
    assert.equal((await get(array)).length, 2 ** 15);
    const makes = remote(() => next);
    const uses = remote(async (f: typeof next, n: number) => get(f.remote(n)));
    assert.equal(await get(uses.remote(makes.remote(), next.remote(1))), 3);
  });

  it('leave nodes that have room to others that wait for the same', async () => {
    const slow = remote(async () => sleep(200));
    const busy = remote(async (_: unknown) => {
      await sleep(50);
      return context().nodeId;
    });
    const made = slow.remote();
    const at = await get(Array.from({ length: 12 }, () => busy.remote(made)));
    assert.equal(new Set(at).size, 2);
  });

  it('fail with what they wait for, at once, and are tried again with it', async () => {
    const fails = remote(() => {
      throw new RangeError('no');
    });
    let last = next.remote(fails.remote() as never);
    for (let i = 0; i < 20; i++) last = next.remote(last);
    await assert.rejects(get(last), (error) => error instanceof TaskError && error instanceof RangeError);
    const second = remote(
      () => {
        if ((context().attempt ?? 0) < 3) throw new RangeError('not yet');
        return 40;
      },
      { retryExceptions: true },
    );
    assert.equal(await get(next.remote(next.remote(second.remote()))), 42);
    const dies = remote(() => {
      if (context().attempt === 1) process.exit(3);
      return 1;
    });
    assert.equal(await get(next.remote(next.remote(dies.remote()))), 3);
  });

  it('are cancelled with what they wait for, and alone', async () => {
    const slow = remote(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300));
    const made = slow.remote();
    const follows = where.remote(made);
    await sleep(50);
    await cancel(made);
    await assert.rejects(get(follows), TaskCancelledError);
    const other = slow.remote();
    const [one, two] = [where.remote(other), where.remote(other)];
    await sleep(50);
    await cancel(one);
    await assert.rejects(get(one), TaskCancelledError);
    assert.equal(typeof (await get(two)), 'string');
  });

  it('give what one machine gives, in any shape (seeds 1 … 20)', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new Random(seed);
      const expected: number[] = [0];
      const refs = [next.remote(-1)];
      for (let i = 1; i < 60; i++) {
        const pick = (): number => Math.max(0, i - 1 - Math.floor(random.next() * 5));
        const [one, two] = [pick(), pick()];
        refs.push(add.remote(refs[one] as never, refs[two] as never));
        expected.push((expected[one] as number) + (expected[two] as number));
        if (random.next() < 0.05) await get(refs[one] as (typeof refs)[0]);
      }
      assert.deepEqual(await get(refs), expected, `seed ${seed}`);
    }
  });
});

it('a chain goes on elsewhere when its node dies', async () => {
  const cluster = await startCluster({ nodes: [{ numCpus: 1 }, { numCpus: 1 }] });
  await init({ address: cluster.address });
  const slow = remote(async (n: number) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return n + 1;
  });
  const first = remote(() => context().nodeId);
  const node = await get(first.remote());
  let last = slow.remote(0);
  const all = [last];
  for (let i = 1; i < 60; i++) {
    last = slow.remote(last);
    all.push(last);
  }
  await get(all[5] as typeof last);
  const victims = cluster.nodes.filter((each) => each.nodeId === node);
  for (const victim of victims) process.kill(victim.pid, 'SIGKILL');
  assert.equal(victims.length, 1);
  assert.equal(await get(last), 60);
  await shutdown();
  await cluster.stop();
});
