// `mobula/testing` and the command, with real heads and nodes, and a program that has its tasks run there.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { get, init, nodes, remote, shutdown } from 'mobula';
import type { Started } from '../../src/bin/start/report.ts';
import type { NodeRow } from '../../src/gcs/tables/members.ts';
import type * as Testing from '../../src/testing/index.ts';
import { children, isAlive } from '../integration/supervisor/diary.ts';
import { until } from '../support/until.ts';
import { freePort, User } from './commands.ts';

/** The built one: its processes are the programs that ship. */
const built = fileURLToPath(new URL('../../../dist/testing/index.js', import.meta.url));
const { startCluster } = (await import(built)) as typeof Testing;
const { askHead } = (await import(
  new URL('../../../dist/boot/ask-head.js', import.meta.url).href
)) as typeof import('../../src/boot/ask-head.ts');
/** Only a hang takes longer, on a machine that is shared. */
const limit = { timeout: 300_000 };

/** Sets an empty home for the test. */
function emptyHome(t: TestContext): string {
  const { HOME } = process.env;
  const home = mkdtempSync(join(tmpdir(), 'mobula-testing-'));
  process.env['HOME'] = home;
  t.after(() => {
    process.env['HOME'] = HOME;
    rmSync(home, { recursive: true, force: true });
  });
  return home;
}

/** The process in which a task runs. */
const where = remote(() => process.pid);

test('a program joins a cluster; its tasks run in the nodes, and nothing is left of them', limit, async (t) => {
  const home = emptyHome(t);
  const cluster = await startCluster({ nodes: [{ numCpus: 1 }, { numCpus: 1, resources: { ssd: 1 } }] });
  const processes = children(process.pid);
  assert.ok(processes.length >= 4);
  await init({ address: cluster.address });
  const used = new Set(await get(Array.from({ length: 20 }, () => where.remote())));
  const pids = cluster.nodes.map(({ pid }) => pid);
  for (const pid of used) assert.ok(pids.includes(pid));
  const withSsd = nodes().find(({ resources }) => resources['ssd'] === 1);
  assert.equal(await get(where.options({ resources: { ssd: 1 } }).remote()), withSsd?.pid);
  await shutdown();
  await cluster.stop();
  assert.deepEqual(processes.filter(isAlive), []);
  assert.deepEqual(readdirSync(home), []);
  assert.equal(process.env['MOBULA_AUTH_TOKEN'], undefined);
});

test('that a node was killed is known at once, by its supervisor', limit, async (t) => {
  emptyHome(t);
  await using cluster = await startCluster({ nodes: [{ numCpus: 1 }, { numCpus: 1 }] });
  await init({ address: cluster.address });
  try {
    const [victim] = cluster.nodes;
    victim?.kill();
    await until(() => nodes().find(({ nodeId }) => nodeId === victim?.nodeId)?.alive === false);
    // Silence would have another cause.
    const view = await askHead(cluster.address, process.env['MOBULA_AUTH_TOKEN'] ?? '');
    const dead = view.nodes.find(({ nodeId }) => nodeId === victim?.nodeId);
    assert.equal(dead?.cause, 'its process ended with signal SIGKILL');
    assert.equal(await get(where.remote()), cluster.nodes[0]?.pid);
    const other = await cluster.addNode({ numCpus: 1, resources: { ssd: 1 } });
    assert.equal(await get(where.options({ resources: { ssd: 1 } }).remote()), other.pid);
    await other.stop();
    await until(() => nodes().find(({ nodeId }) => nodeId === other.nodeId)?.alive === false);
  } finally {
    await shutdown();
  }
});

test('a node that cannot start leaves no cluster', limit, async () => {
  const before = children(process.pid);
  await assert.rejects(startCluster({ nodes: [{ numCpus: 1e6 }] }), { code: 'ERR_MOBULA_INVALID_OPTION' });
  assert.deepEqual(children(process.pid), before);
});

test('nothing is left of a test that is killed, or that never stops its cluster', limit, async (t) => {
  const home = emptyHome(t);
  const program = join(home, 'test.mjs');
  writeFileSync(
    program,
    `import { startCluster } from ${JSON.stringify(built)};
     const cluster = await startCluster({ nodes: [{ numCpus: 1 }] });
     console.log(JSON.stringify(cluster.nodes));
     if (process.argv[2] === 'stay') setInterval(() => {}, 1000);`,
  );
  for (const how of ['stay', 'leave']) {
    const child = spawn(process.execPath, [program, how], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const processes = children(child.pid ?? 0);
    if (how === 'stay') child.kill('SIGKILL');
    await once(child, 'exit');
    await until(() => !processes.some(isAlive));
  }
  assert.deepEqual(readdirSync(home), ['test.mjs']);
});

test('the command starts a head with a node, and another node; what dies is replaced', limit, async (t) => {
  const user = new User(t);
  const port = await freePort();
  const options = ['--detach', '--json', '--num-cpus', '1'];
  const head = await user.run(['start', '--head', '--port', String(port), '--labels', '{"zone":"a"}', ...options]);
  assert.equal(head.code, 0, head.errors);
  const first = JSON.parse(head.output) as Started;
  const joined = await user.run(['start', '--address', 'auto', '--resources', '{"ssd":2}', ...options]);
  assert.equal(joined.code, 0, joined.errors);
  const second = JSON.parse(joined.output) as Started;
  assert.equal(second.address, first.address);

  const list = async (): Promise<NodeRow[]> =>
    JSON.parse((await user.run(['list', 'nodes', '--json'])).output) as NodeRow[];
  const rows = await list();
  assert.deepEqual(new Set(rows.map(({ nodeId }) => nodeId)), new Set([first.nodeId, second.nodeId]));
  assert.deepEqual(rows.find(({ nodeId }) => nodeId === first.nodeId)?.labels, { zone: 'a' });
  assert.equal(rows.find(({ nodeId }) => nodeId === second.nodeId)?.resources['ssd'], 2);

  for (const { pid } of rows) process.kill(pid, 'SIGKILL');
  let dead: NodeRow[] = [];
  const replaced = async (): Promise<boolean> => {
    const now = await list();
    dead = now.filter(({ alive }) => !alive);
    return now.length === 4 && dead.length === 2;
  };
  await until(replaced, undefined, 240_000);
  assert.deepEqual(
    dead.map(({ cause }) => cause),
    Array(2).fill('its process ended with signal SIGKILL'),
  );
  const processes = [first, second].flatMap(({ pid }) => [pid, ...children(pid)]);
  assert.equal((await user.run(['stop'])).code, 0);
  assert.deepEqual(processes.filter(isAlive), []);
});

test('a node that is not let in, or finds nobody, says so in one line', limit, async (t) => {
  const user = new User(t);
  const port = String(await freePort());
  assert.equal((await user.run(['start', '--head', '--num-cpus', '0', '--port', port, '--detach'])).code, 0);
  const join_ = ['start', '--address', `127.0.0.1:${port}`, '--num-cpus', '1'];
  for (const more of [[], ['--detach']]) {
    const wrong = await user.run([...join_, ...more], { MOBULA_AUTH_TOKEN: 'wrong' });
    assert.equal(wrong.code, 1, wrong.errors);
    assert.match(wrong.errors, /^ERR_MOBULA_UNAUTHORIZED: .*\n$/);
    const nobody = await user.run(['start', '--address', `127.0.0.1:${await freePort()}`, ...more]);
    assert.equal(nobody.code, 3, nobody.errors);
    assert.match(nobody.errors, /^ERR_MOBULA_CONNECTION: .*nobody listens there.*\n$/);
  }
  assert.deepEqual(readdirSync(user.path('run')), [`${port}.json`]);
});
