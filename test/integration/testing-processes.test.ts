import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { startCluster } from '../../src/testing/index.ts';
import { startProcesses } from '../../src/testing/processes.ts';
import { limit } from '../support/suite.ts';
import { until } from '../support/until.ts';
import { Diary, isAlive } from './supervisor/diary.ts';
import { clusterParent, type DoubleHead, doubles } from './supervisor/double-head.ts';

const node = { numCpus: 1, resources: {}, objectStoreMemory: 2 ** 20 };

/** A diary in which this process's temporary files lie, too, and to which its children write. */
function diaryOf(): Diary {
  const diary = new Diary();
  process.env['SUPERVISOR_DIARY'] = diary.file;
  process.env['TMPDIR'] = diary.folder;
  process.env['HOME'] = join(diary.folder, 'home');
  mkdirSync(process.env['HOME']);
  return diary;
}

/** What a cluster has left on the disk. */
const left = (diary: Diary): string[] =>
  readdirSync(diary.folder).filter((name) => name !== 'diary' && name !== 'home');

test('a cluster is processes, and after stop() nothing is left of it', limit, async () => {
  using diary = diaryOf();
  delete process.env['MOBULA_AUTH_TOKEN'];
  const heads: DoubleHead[] = [];
  const cluster = await startProcesses([node, node], doubles(heads));
  assert.match(cluster.address, /^127\.0\.0\.1:\d+$/);
  assert.equal(process.env['MOBULA_AUTH_TOKEN'], cluster.token);
  assert.equal(cluster.nodes.length, 2);
  const pids = diary.births().map(({ pid }) => pid);
  assert.deepEqual(new Set(cluster.nodes.map(({ pid }) => pid)), new Set(pids));
  await cluster.stop();
  assert.equal(heads[0]?.isListening, false);
  assert.deepEqual(pids.filter(isAlive), []);
  assert.deepEqual(left(diary), []);
  assert.deepEqual(readdirSync(join(diary.folder, 'home')), []);
  assert.equal(process.env['MOBULA_AUTH_TOKEN'], undefined);
  await cluster.stop();
  await assert.rejects(cluster.addNode(), { code: 'ERR_MOBULA_RUNTIME_CLOSED' });
});

test('a node that is killed is not replaced', limit, async () => {
  using diary = diaryOf();
  await using cluster = await startProcesses([node], doubles());
  const other = await cluster.addNode({ numCpus: 2 });
  const [first] = cluster.nodes;
  first?.kill();
  await until(() => cluster.nodes.length === 1);
  assert.deepEqual(cluster.nodes, [other]);
  assert.equal(isAlive(first?.pid ?? 0), false);
  assert.equal(diary.births().length, 2);
  // To a dead process it is nothing.
  first?.kill('SIGTERM');
  await first?.stop();
});

test('a node that is stopped drains', limit, async () => {
  using diary = diaryOf();
  await using cluster = await startProcesses([node], doubles());
  const [only] = cluster.nodes;
  await only?.stop();
  assert.deepEqual(
    diary
      .entries()
      .filter(({ drain }) => drain !== undefined)
      .map(({ pid }) => pid),
    [only?.pid],
  );
  assert.deepEqual(cluster.nodes, []);
});

test('a cluster that does not come up leaves nothing, and says why', limit, async () => {
  using diary = diaryOf();
  const aborts = { ...node, numCpus: 13 };
  await assert.rejects(startProcesses([node, aborts], doubles()), { code: 'ERR_MOBULA_NODE_DIED', message: /SIGKILL/ });
  assert.deepEqual(
    diary
      .births()
      .map(({ pid }) => pid)
      .filter(isAlive),
    [],
  );
  assert.deepEqual(left(diary), []);
  assert.equal(process.env['MOBULA_AUTH_TOKEN'], undefined);
});

test('a process that cannot join is told why, and the cluster stays', limit, async () => {
  using _diary = diaryOf();
  await using cluster = await startProcesses([], doubles());
  await assert.rejects(cluster.addNode({ numCpus: 13 }), { code: 'ERR_MOBULA_NODE_DIED' });
  assert.equal((await cluster.addNode()).nodeId, cluster.nodes[0]?.nodeId);
});

test('the token of two clusters is that of the last, and none when both are stopped', limit, async () => {
  using _diary = diaryOf();
  process.env['MOBULA_AUTH_TOKEN'] = 'of the user';
  const one = await startProcesses([], doubles());
  const two = await startProcesses([], doubles());
  assert.equal(process.env['MOBULA_AUTH_TOKEN'], two.token);
  await two.stop();
  assert.equal(process.env['MOBULA_AUTH_TOKEN'], one.token);
  await one.stop();
  assert.equal(process.env['MOBULA_AUTH_TOKEN'], 'of the user');
  delete process.env['MOBULA_AUTH_TOKEN'];
});

test('a cluster ends with the process that started it, however that ends', limit, async () => {
  for (const how of ['wait', 'leave']) {
    using diary = diaryOf();
    const parent = spawn(process.execPath, [clusterParent, how], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(parent.stdout, 'data');
    if (how === 'wait') parent.kill('SIGKILL');
    await once(parent, 'exit');
    const pids = diary.births().map(({ pid }) => pid);
    assert.equal(pids.length, 2);
    await until(() => !pids.some(isAlive));
    assert.deepEqual(left(diary), []);
  }
});

test('wrong options of a cluster are refused before anything is started', limit, async () => {
  using diary = diaryOf();
  const wrong = [{ node: [] }, { nodes: 2 }, { nodes: [{ numCpus: -1 }] }, { nodes: [{ cpus: 1 }] }, { gcsShards: 0 }];
  for (const options of wrong)
    await assert.rejects(startCluster(options as object), { code: 'ERR_MOBULA_INVALID_OPTION' });
  await assert.rejects(startCluster({ gcsReplicas: 3 }), { code: 'ERR_MOBULA_NOT_BUILT' });
  assert.equal(existsSync(diary.file), false);
});
