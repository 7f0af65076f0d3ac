import assert from 'node:assert/strict';
import test from 'node:test';
import { GetTimeoutError, get, init, kill, remote, shutdown } from 'mobula';

class Holder {
  hold(): string {
    return 'held';
  }
}

// An actor whose handle nobody has any more kept its CPU for ever on Node 24 and 26: V8 had no reason to collect the handle.
test('dropped actors give their CPU to those that wait for it', { timeout: 120_000 }, async () => {
  await init({ numCpus: 1 });
  const Keeper = remote(Holder).options({ numCpus: 1 });
  const make = async (): Promise<string> => get(Keeper.remote().hold.remote());
  const values: string[] = [];
  for (let i = 0; i < 3; i++) values.push(await make());
  assert.deepEqual(values, ['held', 'held', 'held']);
  const plain = remote(() => 'ran');
  assert.equal(await get(plain.remote()), 'ran');
  await shutdown();
});

test('a get that runs out of time says what holds the CPU that its task waits for', { timeout: 60_000 }, async () => {
  await init({ numCpus: 1 });
  const holder = remote(Holder).options({ numCpus: 1 }).remote();
  assert.equal(await get(holder.hold.remote()), 'held');
  const load = remote(function load() {
    return 1;
  });
  const train = remote(function train(value: number) {
    return value;
  });
  await assert.rejects(get(train.remote(load.remote()), { timeoutMs: 100 }), (error: unknown) => {
    assert.ok(error instanceof GetTimeoutError);
    assert.match(
      error.message,
      /Why: 'train' waits for an argument, which 'load' makes; 'load' waits for 1 CPU \(free: 0\), held by 1 actor 'Holder'\./,
    );
    return true;
  });
  await kill(holder);
  await shutdown();
});
