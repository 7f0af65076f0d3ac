import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { type RunFile, running } from '../../src/boot/home/run-files.ts';
import type { NodeExit } from '../../src/boot/supervisor/contract.ts';
import { Group, type Plan } from '../../src/boot/supervisor/group.ts';
import type { Serving } from '../../src/boot/supervisor/serve.ts';
import { limit } from '../support/suite.ts';
import { until } from '../support/until.ts';
import { Diary, isAlive } from './supervisor/diary.ts';
import { type DoubleHead, doubles } from './supervisor/double-head.ts';

const node = { token: 'secret', root: '/', headTimeoutMs: 1000 };
const head = { token: 'secret', bind: '127.0.0.1', port: 0, dataDir: null, nodeTimeoutMs: 5000, reconnectMs: 60_000 };

function diaryOf(): Diary {
  const diary = new Diary();
  process.env['SUPERVISOR_DIARY'] = diary.file;
  return diary;
}

/** A supervisor in a process of its own. */
class Supervisor {
  readonly process: ChildProcessByStdio<null, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor(plan: Plan, runFolder: string, log?: string) {
    const serving: Serving = { plan, runFolder, ...(log !== undefined && { log }) };
    const program = fileURLToPath(new URL('./supervisor/served.js', import.meta.url));
    this.process = spawn(process.execPath, [program, JSON.stringify(serving)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#reader = createInterface(this.process.stdout);
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    return String((await this.#lines.next()).value);
  }
}

test('a head and the node beside it come up, are found, drain at SIGTERM and leave nothing', limit, async () => {
  using diary = diaryOf();
  const run = join(diary.folder, 'run');
  const supervisor = new Supervisor({ head, node, drainMs: 25_000 }, run);
  const up = JSON.parse(await supervisor.line()) as { address: string; port: number; nodeId: string };
  assert.equal(up.address, `127.0.0.1:${up.port}`);
  const [birth] = diary.births();
  assert.deepEqual(birth?.config, { ...node, address: up.address, start: 0 });
  const file = JSON.parse(readFileSync(join(run, `${up.port}.json`), 'utf8')) as RunFile;
  assert.deepEqual([file.role, file.address, file.process.pid], ['head', up.address, supervisor.process.pid]);
  assert.equal(file.nodeId, up.nodeId);
  assert.doesNotMatch(JSON.stringify(file), /secret/);
  assert.equal(running(run).length, 1);

  supervisor.process.kill('SIGTERM');
  assert.equal(await supervisor.line(), 'over');
  await once(supervisor.process, 'exit');
  assert.equal(diary.entries().at(-1)?.drain, 25_000);
  assert.equal(isAlive(birth?.pid ?? 0), false);
  assert.deepEqual(readdirSync(run), []);
});

test('a node that dies is replaced by one with another id', limit, async () => {
  using diary = diaryOf();
  const supervisor = new Supervisor({ head, node, drainMs: 25_000 }, join(diary.folder, 'run'));
  await supervisor.line();
  const { pid = 0 } = diary.births()[0] ?? {};
  process.kill(pid, 'SIGKILL');
  await until(() => diary.births().length === 2);
  assert.equal(diary.births()[1]?.config?.start, 1);
  supervisor.process.kill('SIGINT');
  assert.equal(await supervisor.line(), 'over');
});

test('the head is told of a node that dies, and not of one that drained', limit, async () => {
  using diary = diaryOf();
  const told: NodeExit[] = [];
  const deaths: NodeExit[] = [];
  const group = new Group({ head, node, drainMs: 1000 }, doubles([], told), (exit) => deaths.push(exit));
  const { nodeId = '' } = await group.up;
  const { pid = 0 } = diary.births()[0] ?? {};
  process.kill(pid, 'SIGABRT');
  await until(() => diary.births().length === 2);
  await group.stop();
  const dead = { nodeId, pid, code: null, signal: 'SIGABRT' };
  // The second is killed if it was not up yet; the head may know it by then.
  const killed = told.filter(({ signal }) => signal === 'SIGKILL');
  assert.deepEqual(told, [dead, ...killed]);
  assert.deepEqual(deaths, [dead]);
});

test('a node is found only where nobody sees it', limit, async () => {
  using diary = diaryOf();
  const run = join(diary.folder, 'run');
  const plan = { node: { ...node, address: '127.0.0.1:6380' }, drainMs: 0 };
  const [shown, hidden] = [new Supervisor(plan, run), new Supervisor(plan, run, '/log')];
  await Promise.all([shown.line(), hidden.line()]);
  assert.deepEqual(readdirSync(run), [`node-${hidden.process.pid}.json`]);
  for (const { process: one } of [shown, hidden]) one.kill('SIGHUP');
  await Promise.all([shown.line(), hidden.line()]);
  assert.deepEqual(readdirSync(run), []);
});

test('a home that cannot be written to keeps no head from its work', limit, async () => {
  using diary = diaryOf();
  writeFileSync(join(diary.folder, 'run'), 'a file where a folder is to be');
  const supervisor = new Supervisor({ head, drainMs: 0 }, join(diary.folder, 'run'));
  assert.match(await supervisor.line(), /^\{"address":"127\.0\.0\.1:/);
  supervisor.process.kill('SIGTERM');
  assert.equal(await supervisor.line(), 'over');
});

test('a head that cannot start, and a node that cannot, end it with the reason', limit, async () => {
  using _diary = diaryOf();
  const heads: DoubleHead[] = [];
  const first = new Group({ head, drainMs: 0 }, doubles(heads), () => {});
  const { port = 0 } = await first.up;
  const second = new Group({ head: { ...head, port }, node, drainMs: 0 }, doubles(), () => {});
  await assert.rejects(second.up, { code: 'ERR_MOBULA_CONNECTION', message: /Cannot listen/ });
  assert.equal((await second.over)?.code, 'ERR_MOBULA_CONNECTION');

  const third = new Group({ head, node: { ...node, token: 'wrong' }, drainMs: 0 }, doubles(heads), () => {});
  await assert.rejects(third.up, { code: 'ERR_MOBULA_UNAUTHORIZED' });
  assert.equal((await third.over)?.code, 'ERR_MOBULA_UNAUTHORIZED');
  assert.deepEqual(
    heads.map(({ isListening }) => isListening),
    [true, false],
  );
  assert.equal(await first.stop(), undefined);
});

test('a head that ends takes its node along, and says why', limit, async () => {
  using diary = diaryOf();
  const heads: DoubleHead[] = [];
  const group = new Group({ head, node, drainMs: 1000 }, doubles(heads), () => {});
  await group.up;
  heads[0]?.die(new Error('the log is full'));
  assert.match((await group.over)?.message ?? '', /the log is full/);
  assert.equal(isAlive(diary.births()[0]?.pid ?? 0), false);
});

test('a node beside a head that listens everywhere reaches it on this machine', limit, async () => {
  using diary = diaryOf();
  const everywhere = { ...head, bind: '0.0.0.0', advertise: 'head.example' };
  const group = new Group({ head: everywhere, node, drainMs: 0 }, doubles(), () => {});
  const { address, port } = await group.up;
  assert.equal(address, `head.example:${port}`);
  assert.equal(diary.births()[0]?.config?.address, `127.0.0.1:${port}`);
  await group.stop();
});

test('what is stopped before it is up leaves nothing', limit, async () => {
  using _diary = diaryOf();
  const heads: DoubleHead[] = [];
  const group = new Group({ head, node, drainMs: 0 }, doubles(heads), () => {});
  assert.equal(await group.stop(), undefined);
  assert.equal(heads[0]?.isListening, false);
});
