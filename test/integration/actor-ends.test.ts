import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ActorDiedError,
  ActorNameTakenError,
  get,
  getActor,
  kill,
  MobulaError,
  PendingCallsLimitError,
  remote,
  TaskError,
} from 'mobula';
import { collect } from '../support/garbage.ts';
import { openFiles } from '../support/machine.ts';
import { limit, suite } from '../support/suite.ts';
import { until } from '../support/until.ts';

suite();

class FragileClass {
  #calls = 0;
  call(): number {
    return ++this.#calls;
  }
  die(code = 1): never {
    process.exit(code);
  }
  dieOnce(shared: Int32Array): string {
    if (Atomics.add(shared, 0, 1) === 0) process.exit(1);
    return 'second';
  }
  fail(): never {
    throw new RangeError('only this call');
  }
  async hang(begun?: Int32Array): Promise<never> {
    if (begun !== undefined) Atomics.store(begun, 0, 1);
    return new Promise<never>(() => undefined);
  }
}
const Fragile = remote(FragileClass);
const shared = (): Int32Array => new Int32Array(new SharedArrayBuffer(8));

test('what a method throws does not harm the actor', limit, async () => {
  const actor = Fragile.remote();
  await assert.rejects(get(actor.fail.remote()), (error) => {
    assert.ok(error instanceof TaskError);
    assert.ok(error instanceof RangeError);
    assert.match(error.taskName, /fail/);
    return true;
  });
  assert.equal(await get(actor.call.remote()), 1);
});

test('a constructor that throws: every call tells why', limit, async () => {
  const Bad = remote(
    class {
      constructor() {
        throw new TypeError('cannot be made');
      }
      call(): void {}
    },
  );
  const bad = Bad.remote();
  for (let i = 0; i < 2; i++) {
    await assert.rejects(get(bad.call.remote()), (error) => {
      assert.ok(error instanceof ActorDiedError);
      assert.equal(error.code, 'ERR_MOBULA_ACTOR_DIED');
      assert.match(error.message, /cannot be made/);
      assert.ok((error.cause as TaskError).cause instanceof TypeError);
      return true;
    });
  }
});

test('a constructor argument that fails', limit, async () => {
  const Taker = remote(
    class {
      readonly #value: number;
      constructor(value: number) {
        this.#value = value;
      }
      call(): number {
        return this.#value;
      }
    },
  );
  const failing = remote((): number => {
    throw new Error('no argument');
  });
  await assert.rejects(get(Taker.remote(failing.remote()).call.remote()), /no argument/);
});

test('kill: waiting and running calls reject, later calls too', limit, async () => {
  const actor = Fragile.remote();
  await get(actor.call.remote());
  const begun = shared();
  const running = actor.hang.remote(begun);
  await until(() => Atomics.load(begun, 0) === 1);
  const waiting = actor.call.remote();
  await kill(actor);
  for (const ref of [running, waiting, actor.call.remote()]) await assert.rejects(get(ref), ActorDiedError);
  await kill(actor);
});

test('kill before the constructor has run', limit, async () => {
  const actor = Fragile.remote();
  const call = actor.call.remote();
  await kill(actor);
  await assert.rejects(get(actor.call.remote()), ActorDiedError);
  await get(call).catch((error: unknown) => assert.ok(error instanceof ActorDiedError));
});

test('an actor that is killed while its thread loads leaves no file open', limit, async () => {
  const Own = Fragile.options({ isolation: 'thread' });
  for (let delay = 0; delay < 60; delay++) {
    const actor = Own.remote();
    await sleep(delay % 40);
    await kill(actor);
  }
  await until(
    () => !openFiles().some((file) => file.endsWith('.js')),
    () => openFiles().join('\n'),
  );
});

for (const isolation of ['shared', 'thread'] as const) {
  test(`process.exit in a method kills the actor (${isolation})`, limit, async () => {
    const actor = Fragile.options({ isolation }).remote();
    const refs = [actor.die.remote(), actor.call.remote()];
    for (const ref of refs) await assert.rejects(get(ref), ActorDiedError);
    await assert.rejects(get(actor.call.remote()), ActorDiedError);
  });

  test(`maxRestarts makes it anew (${isolation})`, limit, async () => {
    const actor = Fragile.options({ isolation, maxRestarts: 2 }).remote();
    assert.equal(await get(actor.call.remote()), 1);
    assert.equal(await get(actor.call.remote()), 2);
    for (let i = 0; i < 2; i++) {
      await assert.rejects(get(actor.die.remote()), ActorDiedError);
      assert.equal(await get(actor.call.remote()), 1);
    }
    await assert.rejects(get(actor.die.remote()), ActorDiedError);
    await assert.rejects(get(actor.call.remote()), ActorDiedError);
  });

  test(`maxTaskRetries runs the call again (${isolation})`, limit, async () => {
    const actor = Fragile.options({ isolation, maxRestarts: 1, maxTaskRetries: 1 }).remote();
    assert.equal(await get(actor.dieOnce.remote(shared())), 'second');
    const once = Fragile.options({ isolation, maxRestarts: 1 }).remote();
    const attempts = shared();
    await assert.rejects(get(once.dieOnce.remote(attempts)), ActorDiedError);
    assert.equal(attempts[0], 1);
  });
}

test('an actor that dies restarts with its constructor arguments', limit, async () => {
  const Keeper = remote(
    class {
      readonly #value: string;
      constructor(value: string) {
        this.#value = value;
      }
      value(): string {
        return this.#value;
      }
      die(): never {
        process.exit(1);
      }
    },
    { maxRestarts: -1 },
  );
  const keeper = Keeper.remote(remote(() => 'from a task').remote());
  for (let i = 0; i < 4; i++) {
    assert.equal(await get(keeper.value.remote()), 'from a task');
    await assert.rejects(get(keeper.die.remote()), ActorDiedError);
  }
  assert.equal(await get(keeper.value.remote()), 'from a task');
});

test('calls that wait when an actor dies run in its next life', limit, async () => {
  const actor = Fragile.options({ maxRestarts: 1 }).remote();
  await get(actor.call.remote());
  const death = actor.die.remote();
  const waiting = [1, 2, 3].map(() => actor.call.remote());
  await assert.rejects(get(death), ActorDiedError);
  assert.deepEqual(await get(waiting), [1, 2, 3]);
});

test('kill with noRestart: false restarts', limit, async () => {
  const actor = Fragile.options({ maxRestarts: 200 }).remote();
  assert.equal(await get(actor.call.remote()), 1);
  for (let i = 0; i < 200; i++) {
    await kill(actor, { noRestart: false });
    assert.equal(await get(actor.call.remote()), 1);
  }
  await kill(actor, { noRestart: false });
  await assert.rejects(get(actor.call.remote()), ActorDiedError);
});

test('a call under way when a restartable actor is killed rejects', limit, async () => {
  const actor = Fragile.options({ maxRestarts: -1 }).remote();
  await get(actor.call.remote());
  const begun = shared();
  const running = actor.hang.remote(begun);
  await until(() => Atomics.load(begun, 0) === 1);
  await kill(actor, { noRestart: false });
  await assert.rejects(get(running), ActorDiedError);
  assert.equal(await get(actor.call.remote()), 1);
});

test('named actors', limit, async () => {
  const made = Fragile.options({ name: 'one' }).remote();
  assert.equal(await get(made.call.remote()), 1);
  assert.equal(await get((await getActor<typeof FragileClass>('one')).call.remote()), 2);
  const second = Fragile.options({ name: 'one' }).remote();
  await assert.rejects(
    get(second.call.remote()),
    (error) => error instanceof ActorNameTakenError && error.code === 'ERR_MOBULA_ACTOR_NAME_TAKEN',
  );
  const same = Fragile.options({ name: 'one', getIfExists: true }).remote();
  assert.equal(await get(same.call.remote()), 3);
  const elsewhere = Fragile.options({ name: 'one', namespace: 'other' }).remote();
  assert.equal(await get(elsewhere.call.remote()), 1);
  assert.equal(await get((await getActor<typeof FragileClass>('one', { namespace: 'other' })).call.remote()), 2);
  await kill(made);
  await assert.rejects(
    getActor('one'),
    (error) => error instanceof MobulaError && error.code === 'ERR_MOBULA_ACTOR_NOT_FOUND',
  );
  const again = Fragile.options({ name: 'one' }).remote();
  assert.equal(await get(again.call.remote()), 1);
});

test('getActor within tasks', limit, async () => {
  const actor = Fragile.options({ name: 'from-tasks' }).remote();
  const call = remote(async () => get((await getActor<typeof FragileClass>('from-tasks')).call.remote()));
  assert.deepEqual((await get([call.remote(), call.remote()])).sort(), [1, 2]);
  assert.equal(await get(actor.call.remote()), 3);
});

test('getIfExists from many tasks at once makes one actor', limit, async () => {
  const join = remote(async () =>
    get(Fragile.options({ name: 'single', getIfExists: true, lifetime: 'detached' }).remote().call.remote()),
  );
  const seen = await get(Array.from({ length: 10 }, () => join.remote()));
  assert.deepEqual(
    seen.sort((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  await kill(await getActor('single'));
});

test('a detached actor lives on without a handle; another does not', limit, async () => {
  (() => {
    Fragile.options({ name: 'stays', lifetime: 'detached' }).remote();
    Fragile.options({ name: 'goes' }).remote();
  })();
  await until(async () => {
    await collect();
    return getActor('goes').then(
      () => false,
      () => true,
    );
  });
  const stays = await getActor<typeof FragileClass>('stays');
  assert.equal(await get(stays.call.remote()), 1);
  await kill(stays);
});

test('an actor without a handle ends its calls first', limit, async () => {
  const refs = (() => {
    const actor = Fragile.remote();
    return Array.from({ length: 10 }, () => actor.call.remote());
  })();
  await collect();
  assert.deepEqual(await get(refs), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('maxPendingCalls', limit, async () => {
  const actor = Fragile.options({ maxPendingCalls: 3 }).remote();
  await get(actor.call.remote());
  const calls = [actor.hang.remote() as unknown];
  assert.throws(
    () => {
      for (let i = 0; i < 20; i++) calls.push(actor.call.remote());
    },
    (error) => error instanceof PendingCallsLimitError && error.code === 'ERR_MOBULA_PENDING_CALLS_LIMIT',
  );
  assert.ok(calls.length >= 3 && calls.length <= 5, `${calls.length} calls`);
  await kill(actor);
});

test('a crash of a shared thread costs the other actors on it only a restart', limit, async () => {
  const others = Array.from({ length: 8 }, () => Fragile.options({ maxRestarts: -1 }).remote());
  await get(others.map((other) => other.call.remote()));
  const actor = Fragile.remote();
  await assert.rejects(get(actor.die.remote()), ActorDiedError);
  for (const n of await get(others.map((other) => other.call.remote()))) assert.ok(n === 1 || n === 2);
});
