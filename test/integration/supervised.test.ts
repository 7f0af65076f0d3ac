import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { BegunPage } from '../../src/boot/supervisor/begun-page.ts';
import type { Exit, NodeReady } from '../../src/boot/supervisor/contract.ts';
import { STILLBORN } from '../../src/boot/supervisor/life.ts';
import { Supervised } from '../../src/boot/supervisor/supervised.ts';
import { limit } from '../support/suite.ts';
import { until } from '../support/until.ts';
import type { Behaviour } from './supervisor/child.ts';
import { Diary, isAlive } from './supervisor/diary.ts';

const entry = new URL('./supervisor/child.js', import.meta.url);

type Told = Omit<Behaviour, 'diary' | 'start'>;

/** Supervises a child that behaves as told; with how its processes ended. */
function supervise(diary: Diary, told: Told = {}, replace = true): { node: Supervised<NodeReady>; exits: Exit[] } {
  const exits: Exit[] = [];
  const node = new Supervised<NodeReady>({
    name: 'node',
    entry,
    replace,
    output: 'ignore',
    config: (start) => ({ ...told, diary: diary.file, start, token: 'secret-of-the-cluster' }),
    reported: (exit) => exits.push(exit),
  });
  return { node, exits };
}

test('a child that drains ends without a failure', limit, async () => {
  using diary = new Diary();
  const { node, exits } = supervise(diary);
  assert.deepEqual(await node.up, { nodeId: 'node-0' });
  const { pid } = node;
  assert.equal(await node.stop(25_000), undefined);
  assert.deepEqual(diary.entries().at(-1)?.drain, 25_000);
  assert.deepEqual(exits, [{ pid, code: 0, signal: null }]);
  assert.equal(node.pid, undefined);
});

test('a child that does not drain in time is killed, and so is one whose supervisor is told twice', limit, async () => {
  using diary = new Diary();
  const { node, exits } = supervise(diary, { stubborn: true });
  await node.up;
  await node.stop(10);
  const other = supervise(diary, { stubborn: true });
  await other.node.up;
  void other.node.stop(1e9);
  await other.node.stop(1e9);
  assert.deepEqual(
    [exits, other.exits].map((all) => all.map(({ signal }) => signal)),
    [['SIGKILL'], ['SIGKILL']],
  );
});

test('a child that is killed is replaced, and its exit reported', limit, async () => {
  using diary = new Diary();
  const { node, exits } = supervise(diary);
  await node.up;
  const { pid } = node;
  node.kill('SIGKILL');
  await until(() => diary.births().length === 2);
  assert.deepEqual(exits, [{ pid, code: null, signal: 'SIGKILL' }]);
  await node.stop(1000);
});

test('a child that is not to be replaced is not', limit, async () => {
  using diary = new Diary();
  const { node } = supervise(diary, {}, false);
  await node.up;
  node.kill('SIGABRT');
  const failure = await node.over;
  assert.equal(failure?.code, 'ERR_MOBULA_NODE_DIED');
  assert.match(failure.message, /signal SIGABRT/);
  assert.equal(diary.births().length, 1);
});

test('a child that dies at every start is given up, with a typed error', limit, async () => {
  using diary = new Diary();
  const { node } = supervise(diary, { stillborn: Array.from({ length: 100 }, (_, i) => i) });
  await assert.rejects(node.up, { code: 'ERR_MOBULA_NODE_DIED', message: /5 times in a row .* signal SIGSEGV/ });
  assert.equal(diary.births().length, STILLBORN);
});

test('a child that dies at its first starts comes up in the end', limit, async () => {
  using diary = new Diary();
  const { node } = supervise(diary, { stillborn: [0, 1] });
  assert.deepEqual(await node.up, { nodeId: 'node-2' });
  await node.stop(1000);
});

test('what a child says that keeps it from starting is what the supervisor says', limit, async () => {
  using diary = new Diary();
  const { node } = supervise(diary, { fails: [0] });
  await assert.rejects(node.up, { code: 'ERR_MOBULA_UNAUTHORIZED', message: /^The token is another one\. See/ });
  assert.equal(diary.births().length, 1);
});

test('a child that is stopped before it is up leaves nothing', limit, async () => {
  using diary = new Diary();
  const { node, exits } = supervise(diary, { mute: true });
  await until(() => diary.births().length === 1);
  const rejected = assert.rejects(node.up, { code: 'ERR_MOBULA_RUNTIME_CLOSED' });
  assert.equal(await node.stop(25_000), undefined);
  await rejected;
  assert.deepEqual(exits, []);
  assert.equal(isAlive(diary.births()[0]?.pid ?? 0), false);
});

test('a child that breaks the contract is killed', limit, async () => {
  using diary = new Diary();
  const { node } = supervise(diary, { garbage: true }, false);
  assert.match((await node.over)?.message ?? '', /signal SIGKILL/);
});

test('a Node that cannot be started is told', limit, async () => {
  using diary = new Diary();
  const { execPath } = process;
  process.execPath = '/nonexistent/node';
  try {
    const { node } = supervise(diary, {}, false);
    await assert.rejects(node.up, { code: 'ERR_MOBULA_NODE_DIED', message: /ENOENT/ });
  } finally {
    process.execPath = execPath;
  }
});

test('nobody sees the token, and no process that a child starts keeps its line to the supervisor', limit, async () => {
  using diary = new Diary();
  process.env['MOBULA_AUTH_TOKEN'] = 'secret-of-the-cluster';
  try {
    const { node } = supervise(diary, { family: true });
    await node.up;
    const [birth] = diary.births();
    assert.doesNotMatch(JSON.stringify(birth), /secret-of-the-cluster/);
    const [inGroup = 0, away = 0] = birth?.family ?? [];
    // It ends although a process that left its group lives on: that one has not its socket.
    assert.equal(await node.stop(25_000), undefined);
    assert.equal(isAlive(away), true);
    process.kill(away, 'SIGKILL');
    await until(() => !isAlive(inGroup));
  } finally {
    delete process.env['MOBULA_AUTH_TOKEN'];
  }
});

test(
  'children die with their supervisor, and so does what they have started, in whatever state they are',
  limit,
  async () => {
    for (const told of [{ family: true }, { mute: true, family: true }, { stubborn: true }]) {
      using diary = new Diary();
      const parent = spawn(
        process.execPath,
        [
          fileURLToPath(new URL('./supervisor/parent.js', import.meta.url)),
          JSON.stringify({ ...told, diary: diary.file }),
        ],
        { stdio: ['ignore', 'ignore', 'inherit'] },
      );
      await until(() => diary.births().length === 1);
      const [{ pid = 0, family = [] } = {}] = diary.births();
      assert.equal(isAlive(pid), true);
      parent.kill('SIGKILL');
      await once(parent, 'exit');
      const [inGroup] = family;
      await until(() => !isAlive(pid) && (inGroup === undefined || !isAlive(inGroup)));
      const [, away] = family;
      if (away !== undefined) process.kill(away, 'SIGKILL');
    }
  },
);

test('the page of a node can be read when the node is dead', limit, async () => {
  using diary = new Diary();
  // Its first slot has a name that has begun, its second one that has not.
  const name = 'a name of 20 letters';
  const text = `${'\0'.repeat(8)}${name}\x01${'\0'.repeat(3)}${name}`;
  const { node } = supervise(diary, { page: text }, false);
  const { begunFd = -1 } = await node.up;
  const page = BegunPage.of(node.pid ?? 0, begunFd);
  node.kill('SIGKILL');
  await node.over;
  assert.equal(page?.read()?.toString(), name);
  page?.close();
  assert.equal(BegunPage.of(2 ** 22 - 1, 3), undefined);
});
