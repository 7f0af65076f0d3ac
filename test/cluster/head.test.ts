// A head of real processes: membership, jobs, the key-value store, grants.
import assert from 'node:assert/strict';
import test from 'node:test';
import { NodeReplica } from '../../src/gcs/replica.ts';
import type { Ask } from '../../src/scheduler/ports.ts';
import { until } from '../support/until.ts';
import { facts, folder, head, join, newId, node } from './support.ts';

const ask: Ask = {
  job: '1',
  fn: 'f',
  priority: 0,
  demand: { CPU: 10_000 },
  strategy: 'default',
  infeasibleAfterMs: 200,
};

test('a node that has registered is in the table of all others until it leaves', async (t) => {
  const running = await head(t, { dataDir: folder(t) });
  const one = await node(t, running);
  const other = await join(t, running);
  const rows = new Map<string, boolean>();
  await other.head.nodes.watch((change) => {
    if (change.kind === 'reset') for (const [id, { alive }] of change.rows) rows.set(id, alive);
    else if (change.kind === 'put') rows.set(change.key, change.row.alive);
  });
  assert.deepEqual([...rows], [[one.id, true]]);
  const found = await other.head.nodes.get(one.id);
  assert.deepEqual(found?.row, { ...facts, nodeId: one.id, alive: true, cause: '' });
  const two = await node(t, running);
  await until(() => rows.get(two.id) === true);
  await one.head.bye();
  await until(() => rows.get(one.id) === false);
  assert.equal((await other.head.nodes.get(one.id))?.row.cause, 'it has left');
});

test('what a process knows of the nodes without waiting is what the table says, less what is the cluster’s own', async (t) => {
  const running = await head(t);
  const one = await node(t, running);
  const rows = new Map<string, Uint8Array>();
  const replica = new NodeReplica(
    {
      tableGet: (_port, _table, key) => rows.get(key) ?? null,
      tablePut: (_port, _table, key, value) => rows.set(key, value).size > 0,
      tableDelete: (_port, _table, key) => rows.delete(key),
      tableKeys: () => [...rows.keys()],
    },
    0,
  );
  await replica.follow(one.head.nodes);
  const { driver, host, pid, resources, labels } = facts;
  assert.deepEqual(replica.all(), [{ nodeId: one.id, alive: true, driver, host, pid, resources, labels }]);
  const two = await node(t, running);
  await until(() => replica.all().length === 2);
  await two.head.bye();
  await until(() => replica.all().some(({ nodeId, alive }) => nodeId === two.id && !alive));
});

test('a node of which nothing is heard is suspected, then dead, and is told so when it comes back', async (t) => {
  const running = await head(t, { nodeTimeoutMs: 2_000 });
  const watching = await node(t, running);
  const silent = await node(t, running);
  const { id } = silent;
  silent.head.close();
  await until(() => watching.suspects.includes(id));
  await until(async () => (await watching.head.nodes.get(id))?.row.alive === false);
  assert.match((await watching.head.nodes.get(id))?.row.cause ?? '', /nothing was heard of it for \d+ ms/);
  const late = await join(t, running, id);
  await assert.rejects(late.head.registerNode(facts), { code: 'ERR_MOBULA_NODE_DIED' });
  assert.equal(((await late.ended) as Error & { code: string }).code, 'ERR_MOBULA_NODE_DIED');
  assert.equal((await watching.head.nodes.get(watching.id))?.row.alive, true);
});

test('the numbers of jobs rise, one job has one, and a job ends with its driver', async (t) => {
  const running = await head(t);
  const driver = await node(t, running);
  const other = await node(t, running);
  const job = (no: number) => ({ no, name: 'main.ts', namespace: 'default' });
  assert.equal(await driver.head.registerJob(job(1)), 1);
  assert.equal(await driver.head.registerJob(job(1)), 1);
  assert.equal(await other.head.registerJob(job(1)), 2);
  await driver.head.endJob(1);
  await driver.head.endJob(1);
  assert.equal(await driver.head.registerJob(job(2)), 3);
  await driver.head.bye();
  assert.equal(await other.head.registerJob(job(2)), 4);
});

test('the key-value store writes, compares, deletes and tells', async (t) => {
  const running = await head(t, { dataDir: folder(t) });
  const { kv } = (await join(t, running)).head;
  const told: string[] = [];
  const end = await kv.watch((change) =>
    told.push(change.kind === 'put' ? `${change.key}=${Buffer.from(change.row)}` : change.kind),
  );
  const first = await kv.put('a', Buffer.from('1'));
  assert.equal(await kv.cas('a', first + 1, Buffer.from('2')), false);
  assert.equal(await kv.cas('a', first, Buffer.from('2')), true);
  assert.equal(Buffer.from((await kv.get('a'))?.row ?? []).toString(), '2');
  assert.equal(await kv.delete('a'), true);
  assert.equal(await kv.delete('a'), false);
  assert.equal(await kv.get('a'), undefined);
  await until(() => told.length === 4);
  assert.deepEqual(told, ['reset', 'a=1', 'a=2', 'delete']);
  end();
  const large = Buffer.alloc((1 << 20) - 4096, 7);
  await kv.put('large', large);
  assert.ok(large.equals((await kv.get('large'))?.row ?? Buffer.alloc(0)));
  await assert.rejects(kv.put('larger', Buffer.alloc(1 << 20)), { code: 'ERR_MOBULA_INVALID_ARGUMENT' });
  await assert.rejects(kv.put('', large), { code: 'ERR_MOBULA_INVALID_ARGUMENT' });
});

test('a watcher gets a store of many mebibytes whole', async (t) => {
  const running = await head(t);
  const { kv } = (await join(t, running)).head;
  const value = Buffer.alloc(1_000_000, 1);
  for (let i = 0; i < 20; i++) await kv.put(`k${i}`, value);
  const other = (await join(t, running)).head.kv;
  let rows = 0;
  await other.watch((change) => {
    if (change.kind === 'reset') rows = change.rows.size;
  });
  assert.equal(rows, 20);
});

test('a request is granted; another scheduler asks everybody and grants again', async (t) => {
  const running = await head(t);
  const submitter = await node(t, running);
  const worker = await node(t, running);
  await until(() => submitter.asked.length === 1);
  const wishes = [
    {
      line: 7,
      ask: { ...ask, strategy: { nodeId: worker.id, soft: false } },
      large: [],
      count: 3,
      meanMs: undefined,
      out: [],
    },
  ];
  submitter.head.request({ no: 1, seen: 0, complete: true, wishes, tasks: [], gone: [] });
  await until(() => submitter.granted.length > 0);
  assert.deepEqual(submitter.granted[0], { kind: 'grant', no: 1, line: 7, node: worker.id, w: 2 });
  process.kill(running.pids.scheduler, 'SIGKILL');
  await until(() => submitter.asked.length === 2 && worker.asked.length === 2);
  assert.deepEqual(submitter.asked, [true, true]);
  submitter.granted.length = 0;
  submitter.head.request({ no: 2, seen: 0, complete: true, wishes, tasks: [], gone: [] });
  worker.head.request({ no: 1, seen: 0, complete: true, wishes: [], tasks: [], gone: [] });
  await until(() => submitter.granted.length > 0);
  assert.deepEqual(submitter.granted[0], { kind: 'grant', no: 1, line: 7, node: worker.id, w: 2 });
  assert.match(running.notes.join(), /The scheduler ended with signal SIGKILL; it is started again/);
});

test('what no node can run, and what was to run on a dead node, is said', async (t) => {
  const running = await head(t);
  const submitter = await node(t, running);
  const tooMuch = { ...ask, demand: { CPU: 30_000 } };
  const gone = { ...ask, strategy: { nodeId: newId(), soft: false } };
  submitter.head.request({
    no: 1,
    seen: 0,
    complete: true,
    wishes: [
      { line: 1, ask: tooMuch, large: [], count: 1, meanMs: undefined, out: [] },
      { line: 2, ask: gone, large: [], count: 1, meanMs: undefined, out: [] },
    ],
    tasks: [],
    gone: [],
  });
  await until(() => submitter.granted.length === 2);
  assert.deepEqual(
    submitter.granted.map(({ kind }) => kind),
    ['infeasible', 'node-died'],
  );
});
