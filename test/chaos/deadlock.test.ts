import assert from 'node:assert/strict';
import test from 'node:test';
import { type ActorHandle, DeadlockError, get, type RemoteFunction, remote, TaskError } from 'mobula';
import { limit, suite } from '../support/suite.ts';

suite();

class NodeClass {
  ping(): string {
    return 'pong';
  }
  async after(ms: number): Promise<string> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return 'after';
  }
  /** Asks the others one after another, and the last asks the first. */
  async ask(ring: readonly ActorHandle<typeof NodeClass>[], at: number): Promise<string> {
    const next = ring[(at + 1) % ring.length] as ActorHandle<typeof NodeClass>;
    return at === ring.length - 1 ? get(next.ping.remote()) : get(next.ask.remote(ring, at + 1));
  }
  async wait(other: ActorHandle<typeof NodeClass>, timeoutMs: number): Promise<string> {
    return get(other.ping.remote(), { timeoutMs });
  }
  async waitLong(other: ActorHandle<typeof NodeClass>): Promise<string> {
    return get(other.after.remote(2500));
  }
  async through(
    task: RemoteFunction<[ActorHandle<typeof NodeClass>], string>,
    me: ActorHandle<typeof NodeClass>,
  ): Promise<string> {
    return get(task.remote(me));
  }
}
const Node = remote(NodeClass);

/** The `DeadlockError` that an error came from. */
function deadlock(error: unknown): DeadlockError {
  let at = error;
  while (at instanceof TaskError) at = at.cause;
  assert.ok(at instanceof DeadlockError, String(at));
  return at;
}

for (const size of [1, 2, 3]) {
  test(`a cycle of ${size} that wait for one another is an error that names it`, limit, async () => {
    const ring = Array.from({ length: size }, () => Node.remote());
    const [first] = ring as [ActorHandle<typeof NodeClass>];
    await assert.rejects(get(first.ask.remote(ring, 0)), (error) => {
      const { cycle, code, message } = deadlock(error);
      assert.equal(code, 'ERR_MOBULA_DEADLOCK');
      assert.deepEqual([...cycle].sort(), [...new Array(size).fill('NodeClass.ask'), 'NodeClass.ping'].sort());
      assert.match(message, /'NodeClass\.ping' waits for 'NodeClass\.ask'/);
      return true;
    });
    // They are free again.
    assert.deepEqual(await get(ring.map((actor) => actor.ping.remote())), new Array(size).fill('pong'));
  });
}

test('a cycle through a task is found as well', limit, async () => {
  const call = remote(async (actor: ActorHandle<typeof NodeClass>) => await get(actor.ping.remote()));
  const actor = Node.remote();
  await assert.rejects(get(actor.through.remote(call, actor)), (error) => deadlock(error).cycle.length === 3);
});

test('who waits for long, or with a limit, or has room for one call more, is in no cycle', limit, async () => {
  const [a, b] = [Node.remote(), Node.remote()];
  const roomy = Node.options({ maxConcurrency: 2 }).remote();
  const long = get(a.waitLong.remote(b));
  assert.equal(await get(roomy.ask.remote([roomy], 0)), 'pong');
  assert.equal(await long, 'after');
  await assert.rejects(get(a.wait.remote(a, 2500)), { code: 'ERR_MOBULA_TASK' });
  assert.equal(await get(a.ping.remote()), 'pong');
});
