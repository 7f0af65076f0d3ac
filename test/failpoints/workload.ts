// What runs while a failpoint is armed: a little of everything the core does, every outcome checked.
import assert from 'node:assert/strict';
import {
  ActorDiedError,
  allocate,
  availableResources,
  cancel,
  get,
  kill,
  MobulaError,
  type ObjectRef,
  ObjectStoreFullError,
  put,
  TaskCancelledError,
  TaskError,
  TaskTimeoutError,
} from 'mobula';
import { collect } from '../support/garbage.ts';
import { inside, liveTasks, storeStats } from '../support/inside.ts';
import { until } from '../support/until.ts';
import * as t from './tasks.ts';

/** How often a part may find the store full of what only garbage holds. */
const MAX_TRIES = 10;

const shared = (): Int32Array => new Int32Array(new SharedArrayBuffer(8));
const numbers = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** `kind`: a class; a function, because those whose constructor is private are no other type. */
async function rejects(ref: ObjectRef<unknown>, kind: Function): Promise<void> {
  await assert.rejects(get(ref), (error) => {
    if (error instanceof kind) return true;
    throw error;
  });
}

/** Each part stands alone: what becomes of one does not change what the others are to give. */
const parts: Readonly<Record<string, () => Promise<void>>> = {
  async plain() {
    const refs = numbers(60).map((n) => t.double.remote(n));
    assert.deepEqual(
      await get(refs),
      numbers(60).map((n) => 2 * n),
    );
  },
  async chain() {
    let ref = t.later.remote(0);
    for (let i = 0; i < 8; i++) ref = t.later.remote(ref);
    assert.equal(await get(ref), 9);
  },
  async special() {
    const urgent = numbers(8).map((n) => t.double.options({ priority: 1 }).remote(n));
    const small = numbers(8).map((n) => t.later.options({ numCpus: 0.5 }).remote(n));
    assert.deepEqual(
      await get([...urgent, ...small]),
      numbers(8)
        .map((n) => 2 * n)
        .concat(numbers(8).map((n) => n + 1)),
    );
  },
  async nested() {
    assert.deepEqual(await get([t.fan.remote(60, 1), t.fan.remote(4, 2)]), [60, 4]);
  },
  async inside() {
    assert.deepEqual(await get(t.inside.remote(4)), [3, 10, t.LARGE, 'TaskCancelledError']);
  },
  async slowInABatch() {
    await get(numbers(30).map(() => t.spin.remote(0)));
    const mixed = [25, ...numbers(30).map(() => 0), 10, ...numbers(10).map(() => 0)];
    assert.deepEqual(await get(mixed.map((ms) => t.spin.remote(ms))), mixed);
  },
  async failing() {
    const failed = t.fail.remote(1);
    await rejects(t.double.remote(failed), RangeError);
    await rejects(failed, TaskError);
  },
  async large() {
    // While there is room: `allocate` cannot wait for what only garbage holds.
    const written = [t.inPlace.remote(16), t.inPlace.remote(17)];
    assert.deepEqual(await get(written.map((ref) => t.sum.remote(ref))), [16, 17].map(t.sumOf));
    const made = numbers(16).map((n) => t.make.remote(n));
    assert.deepEqual(await get(made.map((ref) => t.sum.remote(ref))), numbers(16).map(t.sumOf));
  },
  async puts() {
    const refs = numbers(8).map((n) => put(t.block(n)));
    for (const [n, ref] of refs.entries()) assert.equal((await get(t.sum.remote(ref))) as number, t.sumOf(n));
    const { ref } = await get(t.pass.remote({ ref: put(t.block(5)) }));
    assert.equal((await get(ref))[t.LARGE - 1], 5);
    const mine = allocate(Uint8Array, t.LARGE);
    mine.fill(7);
    const sealed = put(mine);
    assert.equal(mine.length, 0);
    assert.equal((await get(sealed))[1], 7);
    allocate(Uint8Array, 2 ** 16);
  },
  async streams() {
    const items: number[] = [];
    for await (const ref of t.count.remote(24)) items.push(await get(ref));
    assert.deepEqual(items, numbers(24));
  },
  async deaths() {
    const view = put(t.block(9));
    assert.equal(await get(t.dieOnce.remote(view, shared())), true);
  },
  async cancels() {
    const begun = shared();
    const running = [t.hang.remote(begun), t.hang.remote(begun)] as const;
    const waiting = t.double.remote(running[0] as unknown as ObjectRef<number>);
    await until(() => Atomics.load(begun, 0) >= 2);
    await cancel(waiting);
    await cancel(running[0]);
    await cancel(running[1], { force: true });
    for (const ref of [waiting, ...running]) await rejects(ref, TaskCancelledError);
    await rejects(t.hang.options({ timeoutMs: 20 }).remote(begun), TaskTimeoutError);
  },
  async actors() {
    const one = t.Counter.remote();
    const own = t.Counter.options({ isolation: 'thread' }).remote();
    const calls = [one, own].flatMap((actor) => [...numbers(6).map(() => actor.add.remote(1)), actor.slow.remote()]);
    // An actor that starts again counts from the start.
    for (const value of await get(calls)) assert.ok(value >= 0 && value <= 6, `${value}`);
    const late = one.add.remote(t.later.remote(0));
    assert.ok((await get([late, one.add.remote(1)])).every((value) => value >= 1));
    const attempts = shared();
    assert.deepEqual(await get([one.dieOnce.remote(attempts), own.dieOnce.remote(attempts)]), ['lived', 'lived']);
    await kill(one, { noRestart: false });
    assert.ok((await get(one.add.remote(1))) >= 1);
    await kill(own);
    await rejects(own.add.remote(1), ActorDiedError);
    await rejects(t.Unmakeable.remote().call.remote(), ActorDiedError);
    // Two that want the whole machine: one waits for the other.
    const wide = [1, 2].map(() => t.Counter.options({ numCpus: 2 }).remote());
    for (const actor of wide) {
      assert.ok((await get(actor.add.remote(1))) >= 1);
      await kill(actor);
    }
  },
};

async function stealing(): Promise<void> {
  assert.equal(await get(t.share.remote(shared())), 8);
}

/** The parts that have not ended. */
const unfinished = new Set<string>();

/** What a hang looks like. */
export function whatIsLeft(): string {
  const left = [...unfinished].join();
  return `unfinished: ${left}; ${liveTasks()} tasks live, ${JSON.stringify([availableResources(), storeStats()])}`;
}

/** Runs a part again, once every thread has collected, when it finds the store full: `put` and `allocate` cannot wait. */
async function withRoom(part: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await part();
    } catch (error) {
      const full = error instanceof ObjectStoreFullError || (error as Error).cause instanceof ObjectStoreFullError;
      if (!full || tries === MAX_TRIES) throw error;
      const { addon, port } = inside();
      addon.askToCollect(port.id);
      await collect();
    }
  }
}

/**
 * Runs all of it. `mayFail`: the core was made to fail, so a part may end with an error of mobula's instead; never
 * with another, never with a wrong value, and never not at all.
 */
export async function workload(mayFail: boolean): Promise<void> {
  const run = async ([name, part]: [string, () => Promise<void>]): Promise<void> => {
    unfinished.add(name);
    try {
      await withRoom(part);
    } catch (error) {
      if (mayFail && isTyped(error)) return;
      throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    } finally {
      unfinished.delete(name);
    }
  };
  // First and alone: it needs the CPU that the other thread has.
  await run(['stealing', stealing]);
  const outcomes = await Promise.allSettled(Object.entries(parts).map(run));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

/** An error of mobula's, or the check of a part that met one where it expected another. */
function isTyped(error: unknown): boolean {
  if (error instanceof MobulaError) return true;
  return error instanceof assert.AssertionError && error.actual instanceof MobulaError;
}
