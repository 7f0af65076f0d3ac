import assert from 'node:assert/strict';
import test from 'node:test';
import { get, kill, remote, wait } from 'mobula';
import { liveTasks } from '../support/inside.ts';
import { limit, suite } from '../support/suite.ts';
import { until } from '../support/until.ts';

suite();

/** Words of the memory that the tasks of a test share. */
const TURNS = 0;
const STOP = 1;
const BEGUN = 2;

const memory = (): Int32Array => new Int32Array(new SharedArrayBuffer(32));

/** A millisecond of work, then the same again, until it is told to stop. */
const chain = remote(function turn(shared: Int32Array): void {
  Atomics.add(shared, TURNS, 1);
  const ends = performance.now() + 1;
  while (performance.now() < ends);
  if (Atomics.load(shared, STOP) === 0) chain.remote(shared);
});
const probe = remote((shared: Int32Array) => Atomics.load(shared, TURNS));
const begin = remote((shared: Int32Array, place: number) => {
  Atomics.store(shared, place, 1);
});

test('a task of the driver begins although every CPU has tasks that go on to submit themselves', limit, async () => {
  // It waited until their chains ended.
  const shared = memory();
  await get([probe.remote(shared), probe.remote(shared)]);
  for (let i = 0; i < 2; i++) chain.remote(shared);
  try {
    await until(() => Atomics.load(shared, TURNS) > 50);
    const kinds = [probe, probe.options({ numCpus: 0.5 }), probe.options({ timeoutMs: 60_000 })];
    for (const kind of kinds) {
      // The best of several: the machine may hold this thread up between counting and submitting.
      let least = Number.POSITIVE_INFINITY;
      for (let i = 0; i < 5; i++) {
        const before = Atomics.load(shared, TURNS);
        least = Math.min(least, (await get(kind.remote(shared))) - before);
      }
      assert.ok(least <= 20, `after ${least} turns`);
    }
  } finally {
    Atomics.store(shared, STOP, 1);
  }
});

test('tasks begin while the driver that has submitted them computes', limit, async () => {
  // Only the first did: the driver has to come back to its event loop to pass on the others.
  const shared = memory();
  await get([begin.remote(shared, 0), begin.remote(shared, 1)]);
  const refs = [2, 3, 4, 5].map((place) => begin.remote(shared, place));
  const gaveUp = performance.now() + 20_000;
  const begun = (): boolean => [2, 3, 4, 5].every((place) => Atomics.load(shared, place) === 1);
  while (!begun()) assert.ok(performance.now() < gaveUp, `begun: ${shared.join(' ')}`);
  await get(refs);
});

test('a task begins while the background code of a task that has submitted it computes', limit, async () => {
  const shared = memory();
  const outer = remote(async (marks: Int32Array) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const inner = begin.remote(marks, BEGUN);
    const second = begin.remote(marks, BEGUN + 1);
    const gaveUp = performance.now() + 20_000;
    while (Atomics.load(marks, BEGUN) + Atomics.load(marks, BEGUN + 1) < 2) {
      if (performance.now() > gaveUp) throw new Error('they did not begin');
    }
    await get([inner, second]);
    return 'begun';
  });
  assert.equal(await get(outer.remote(shared)), 'begun');
});

test('a time limit costs the driver no timer', limit, async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  const quick = remote((n: number) => n, { timeoutMs: 3_600_000 });
  const slow = remote((shared: Int32Array) => Atomics.wait(shared, STOP, 0, 20_000), { timeoutMs: 3_600_000 });
  const shared = memory();
  const waiting = slow.remote(shared);
  const numbers = Array.from({ length: 2_000 }, (_, i) => i);
  assert.deepEqual(await get(numbers.map((n) => quick.remote(n))), numbers);
  assert.ok(timers() <= before + 1, `${timers()} timers, ${before} before`);
  Atomics.store(shared, STOP, 1);
  Atomics.notify(shared, STOP);
  await get(waiting);
});

test('a call of an actor that runs several at once does not wait for the argument of another', limit, async () => {
  class Desk {
    async answer(value: unknown): Promise<unknown> {
      return value;
    }
  }
  const shared = memory();
  const late = remote((marks: Int32Array) => {
    Atomics.wait(marks, STOP, 0, 20_000);
    return 'late';
  });
  const desk = remote(Desk).options({ maxConcurrency: 2 }).remote();
  const first = desk.answer.remote(late.remote(shared));
  const second = desk.answer.remote('at once');
  try {
    const { ready } = await wait([first, second]);
    assert.deepEqual(ready, [second]);
  } finally {
    Atomics.store(shared, STOP, 1);
    Atomics.notify(shared, STOP);
  }
  assert.deepEqual(await get([first, second]), ['late', 'at once']);
});

test('a call that is aborted already never runs, however busy its thread is', limit, async () => {
  // Submitted and cancelled in one go: the watchdog must not carry out the first without the second.
  const shared = memory();
  const outer = remote((marks: Int32Array) => {
    for (let i = 0; i < 200; i++) {
      begin.options({ signal: AbortSignal.abort() }).remote(marks, BEGUN);
      const ends = performance.now() + 0.2;
      while (performance.now() < ends);
    }
  });
  const busy = outer.remote(shared);
  for (let i = 0; i < 200; i++) begin.options({ signal: AbortSignal.abort() }).remote(shared, BEGUN);
  await get(busy);
  await until(() => liveTasks() === 0);
  assert.equal(Atomics.load(shared, BEGUN), 0);
});

test('a task of all CPUs, and an actor that asks for one, begin although plain tasks never cease', limit, async () => {
  class Holder {
    answer(): string {
      return 'here';
    }
  }
  const shared = memory();
  await get([probe.remote(shared), probe.remote(shared)]);
  for (let i = 0; i < 4; i++) chain.remote(shared);
  try {
    await until(() => Atomics.load(shared, TURNS) > 50);
    assert.ok((await get(probe.options({ numCpus: 2 }).remote(shared))) > 50);
    const holder = remote(Holder).options({ numCpus: 1 }).remote();
    assert.equal(await get(holder.answer.remote()), 'here');
    const turns = Atomics.load(shared, TURNS);
    // The chains have the other CPU.
    await until(() => Atomics.load(shared, TURNS) > turns + 50);
    await kill(holder);
  } finally {
    Atomics.store(shared, STOP, 1);
  }
});
