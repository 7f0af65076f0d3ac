// What is left of a head that is killed: everything that was acknowledged, no process, and its nodes.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { reportExit } from '../../src/boot/report-exit.ts';
import { until } from '../support/until.ts';
import { folder, head, join, type Member, node } from './support.ts';
import { token } from './token.ts';

const program = fileURLToPath(new URL('./head-program.js', import.meta.url));

interface Started {
  readonly process: ChildProcess;
  readonly port: number;
  readonly shard: number;
  readonly scheduler: number;
}

async function start(t: TestContext, config: object): Promise<Started> {
  const child = spawn(process.execPath, [program, JSON.stringify(config)], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { process: child, ...(JSON.parse(line) as Omit<Started, 'process'>) };
}

const isThere = (pid: number): boolean => existsSync(`/proc/${pid}`);

test('no process is left after the supervisor was killed', async (t) => {
  const { process: child, shard, scheduler } = await start(t, { dataDir: folder(t) });
  assert.ok(isThere(shard) && isThere(scheduler));
  child.kill('SIGKILL');
  await until(() => !isThere(shard) && !isThere(scheduler));
});

/** Counts up under a key, by compare-and-set alone, until `stop`. Gives how far it came. */
async function count({ head: { kv } }: Member, key: string, stop: () => boolean): Promise<number> {
  let n = 0;
  let version = 0;
  while (!stop()) {
    assert.equal(await kv.cas(key, version, Buffer.from(String(n + 1))), true, `${key} was written by nobody else`);
    n += 1;
    const there = await kv.get(key);
    assert.equal(Buffer.from(there?.row ?? []).toString(), String(n));
    version = there?.version ?? 0;
  }
  return n;
}

test('a shard that is killed under writes has carried out each acknowledged one, once', async (t) => {
  const running = await head(t, { dataDir: folder(t) });
  const member = await node(t, running);
  let stop = false;
  const keys = Array.from({ length: 32 }, (_, i) => `key ${i}`);
  const counting = keys.map((key) => count(member, key, () => stop));
  const facts: Promise<number>[] = [];
  for (let kill = 0; kill < 3; kill++) {
    for (let i = 0; i < 1000; i++) facts.push(member.head.kv.put(`fact ${facts.length}`, Buffer.alloc(512, 1)));
    const { shard } = running.pids;
    await member.head.kv.put('before', Buffer.from('the kill'));
    process.kill(shard, 'SIGKILL');
    await until(() => member.connections.length === 2 * (kill + 1) && member.connections.at(-1) === true);
    await Promise.all(facts);
  }
  stop = true;
  const counts = await Promise.all(counting);
  const reader = await join(t, running);
  for (const [i, key] of keys.entries()) {
    const value = Buffer.from((await reader.head.kv.get(key))?.row ?? []).toString();
    assert.equal(value, String(counts[i]));
  }
  for (let i = 0; i < facts.length; i++) assert.ok((await reader.head.kv.get(`fact ${i}`)) !== undefined, `fact ${i}`);
  assert.equal((await reader.head.nodes.get(member.id))?.row.alive, true);
  assert.equal(running.notes.filter((line) => line.includes('it is started again, with what its log has')).length, 3);
});

test('a head that was killed and is started again finds its nodes, and gives jobs new numbers', async (t) => {
  const dataDir = folder(t);
  const first = await start(t, { dataDir });
  const driver = await node(t, first);
  assert.equal(await driver.head.registerJob({ no: 1, name: 'a', namespace: 'b' }), 1);
  await driver.head.kv.put('a', Buffer.from('1'));
  first.process.kill('SIGKILL');
  await until(() => driver.connections.length === 1);
  const pending = driver.head.kv.put('b', Buffer.from('2'));
  const second = await start(t, { dataDir, port: first.port });
  await pending;
  await until(() => driver.connections.length === 2);
  assert.equal(Buffer.from((await driver.head.kv.get('a'))?.row ?? []).toString(), '1');
  assert.equal((await driver.head.nodes.get(driver.id))?.row.alive, true);
  assert.equal(await driver.head.registerJob({ no: 1, name: 'a', namespace: 'b' }), 1);
  assert.equal(await driver.head.registerJob({ no: 2, name: 'a', namespace: 'b' }), 2);
  await until(() => driver.asked.length === 2);
  assert.deepEqual(driver.asked, [true, true]);
  second.process.kill('SIGKILL');
});

test('nodes that do not come back to a head that was started again are dead after the time they had', async (t) => {
  const dataDir = folder(t);
  const first = await start(t, { dataDir });
  const gone = await node(t, first);
  const { id } = gone;
  gone.head.close();
  first.process.kill('SIGKILL');
  await once(first.process, 'exit');
  await until(() => !isThere(first.shard));
  const second = await start(t, { dataDir, reconnectMs: 1_500 });
  const reader = await join(t, second);
  assert.equal((await reader.head.nodes.get(id))?.row.alive, true);
  await until(async () => (await reader.head.nodes.get(id))?.row.alive === false);
});

test('a head that is away is told how a node ended when it is there again', async (t) => {
  const dataDir = folder(t);
  const first = await start(t, { dataDir });
  const { id, head: link } = await node(t, first);
  link.close();
  first.process.kill('SIGKILL');
  await until(() => !isThere(first.shard));
  const address = `127.0.0.1:${first.port}`;
  const begun = Buffer.alloc(40, 7);
  const exit = { nodeId: id, pid: 1, code: null, signal: 'SIGKILL', begun };
  const reported = reportExit({ address, token, headTimeoutMs: 60_000 }, exit);
  const second = await start(t, { dataDir, port: first.port });
  await reported;
  const reader = await join(t, second);
  const { alive, cause, begun: listed } = (await reader.head.nodes.get(id))?.row ?? {};
  assert.deepEqual([alive, cause], [false, 'its process ended with signal SIGKILL']);
  assert.deepEqual(Buffer.from(listed ?? '', 'base64'), begun);
  await reportExit({ address, token: 'another', headTimeoutMs: 60_000 }, exit);
  await reportExit({ address: '127.0.0.1:1', token, headTimeoutMs: 0 }, exit);
});

test('without a log the head ends with its shard, and says what is lost', async (t) => {
  const running = await head(t);
  process.kill(running.pids.shard, 'SIGKILL');
  const error = (await running.ended) as Error & { code: string };
  assert.equal(error.code, 'ERR_MOBULA_CLUSTER_STATE_LOST');
  assert.match(error.message, /The process of the control store ended with signal SIGKILL/);
});
