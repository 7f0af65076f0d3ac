// What tasks print on other nodes, as the driver's process prints it.
import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Cluster, startCluster } from 'mobula/testing';
import { until } from '../support/until.ts';

const program = fileURLToPath(new URL('./output-program.js', import.meta.url));
/** Bytes of output that a test keeps. */
const KEPT = 64 << 20;

/** A driver, and what it has printed. */
class Driver {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly hash = createHash('sha256');
  readonly #ended: Promise<number | null>;
  readonly #out: Buffer[] = [];
  #kept = 0;
  err = '';

  constructor({ address }: Cluster, mode: string, file = '') {
    this.child = spawn(process.execPath, [program, address, mode, file], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout.on('data', (chunk: Buffer) => {
      this.hash.update(chunk);
      if (this.#kept < KEPT) this.#out.push(chunk);
      this.#kept += chunk.length;
    });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
    });
    this.#ended = new Promise((resolve) => this.child.once('close', resolve));
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#out);
  }

  get out(): string {
    return this.bytes.toString();
  }

  /** Its end, which is a good one. */
  async end(): Promise<this> {
    assert.equal(await this.#ended, 0, this.err);
    return this;
  }
}

describe('output of tasks on other nodes', { timeout: 240_000 }, () => {
  let cluster: Cluster;
  let folder: string;
  /** How the nodes are shown: the first and the second. */
  let [first, second] = ['', ''];
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mobula-output-'));
    cluster = await startCluster({ nodes: [{ numCpus: 1 }, { numCpus: 1 }] });
    const ids = cluster.nodes.map(({ nodeId }) => nodeId).sort();
    [first = '', second = ''] = ids.map((id) => id.slice(0, 8));
  });
  after(async () => {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const run = (mode: string, file?: string): Promise<Driver> => new Driver(cluster, mode, file).end();

  it('comes with the names of task and node, before the results', async () => {
    const { out, err } = await run('lines');
    const lines = Array.from({ length: 30 }, (_, i) => `(says node=${first}) out ${i} ä😀\nresult ${i}\n`);
    assert.equal(out, lines.join(''));
    assert.equal(err, Array.from({ length: 30 }, (_, i) => `(says node=${first}) err ${i}\n`).join(''));
  });

  it('goes through a stream that was replaced', async () => {
    const { out } = await run('replaced');
    assert.deepEqual(JSON.parse(out), [`(says node=${first}) out 1 ä😀\n`]);
  });

  it('of tasks that tasks have submitted comes too, before the result that waited for them', async () => {
    const { out } = await run('children');
    const ids = cluster.nodes.map(({ nodeId }) => nodeId).sort();
    const child = (where: string, id = ''): string => `(child node=${id.slice(0, 8)}) child ${where} is on ${id}`;
    const lines = out.trimEnd().split('\n');
    assert.deepEqual(lines.slice(0, 2).sort(), [child('here', ids[0]), child('there', ids[1])].sort());
    assert.deepEqual(lines.slice(2), ['result']);
  });

  it('has whole lines, also of tasks that end without one', async () => {
    const { out } = await run('parts');
    assert.equal(out, `(parts node=${first}) one line\n(parts node=${first}) no end\nresult\n`);
  });

  it('shows a line that is not complete after a while, and lets it go on', async () => {
    const file = join(folder, 'slow');
    const driver = new Driver(cluster, 'slow', file);
    await until(
      () => driver.out === `(dots node=${first}) .`,
      () => driver.out + driver.err,
      20_000,
    );
    writeFileSync(file, '');
    assert.equal((await driver.end()).out, `(dots node=${first}) ..\n`);
  });

  it('keeps long lines, bytes and colours', async () => {
    const long = await run('long');
    assert.ok(long.out === `(long node=${first}) ${'ä€😀'.repeat(100_000)}\n(long node=${first}) end\n`);
    const { bytes } = await run('bytes');
    const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const prefix = Buffer.from(`(bytes node=${first}) `);
    const colours = `\n(colours node=${first}) \u001b[31mred\u001b[39m\r\n`;
    assert.deepEqual(
      bytes,
      Buffer.concat([prefix, all.subarray(0, 11), prefix, all.subarray(11), Buffer.from(colours)]),
    );
  });

  it('is written as elsewhere: write answers and calls back', async () => {
    const { out } = await run('callbacks');
    assert.equal(out, `(calls node=${first}) hi\n(calls node=${first}) a\n[true,"called back"]\n`);
  });

  it('comes whole from a task whose thread dies', async () => {
    const { out } = await run('dies');
    assert.equal(out, `(dies node=${first}) last line\n(dies node=${first}) last words\nWorkerDiedError\n`);
  });

  it('comes from what a task leaves behind', async () => {
    const lines = (await run('left')).out.trimEnd().split('\n');
    assert.equal(lines[0], `(left node=${first}) now`);
    assert.deepEqual(lines.slice(1).sort(), [`(left node=${first}) left behind`, 'result']);
  });

  it('is folded where many tasks write one line, and told when the program ends, however it does', async () => {
    for (const mode of ['same', 'exits']) {
      const lines = (await run(mode)).out.trimEnd().split('\n');
      assert.match(lines[0] ?? '', /^\(same node=[0-9a-f]{8}\) the same$/);
      assert.deepEqual(lines.slice(1, 5), ['results', ...Array<string>(3).fill(`(alone node=${first}) alone`)]);
      assert.match(
        lines[5] ?? '',
        new RegExp(`^\\(same node=(${first}|${second})\\) the same \\[repeated 11x across cluster\\]$`),
      );
      assert.equal(lines.length, 6);
    }
  });

  it('has no names where the driver itself has run the task', async () => {
    const [task, driver, ...rest] = (await run('own')).out.split('\n');
    assert.match(task ?? '', /^[0-9a-f]{16}$/);
    assert.equal(task, driver);
    assert.deepEqual(rest, ['']);
  });

  it('goes to the driver of the job alone', async () => {
    const file = join(folder, 'both');
    const drivers = [new Driver(cluster, 'waits', file), new Driver(cluster, 'waits', file)];
    writeFileSync(file, '');
    for (const driver of drivers) {
      const { out } = await driver.end();
      assert.equal(out, [0, 1, 2].map((i) => `(says node=${first}) out ${i} ä😀\n`).join(''));
    }
  });

  it('comes whole, whatever its size, and fills no memory', async () => {
    const pids = cluster.nodes.map(({ pid }) => pid);
    const before = pids.map(peakMiB);
    const lines = 300_000;
    const { hash, err } = await run('flood', String(lines));
    const expected = createHash('sha256');
    const tail = 'x'.repeat(1000);
    for (let i = 0; i < lines; i++) expected.update(`(flood node=${first}) ${i} ${tail}\n`);
    assert.equal(hash.digest('hex'), expected.update('result\n').digest('hex'));
    // Garbage of reading it, 120 to 220 MiB by the load of the machine, however much it is. All of it would be 300.
    assert.ok(Number(err) < 260 * 1024, `the driver grew by ${err} KiB`);
    for (const [i, pid] of pids.entries()) {
      const grown = peakMiB(pid) - (before[i] ?? 0);
      assert.ok(grown < 80, `a node grew by ${grown} MiB`);
    }
  });

  it('is dropped, counted and told where the driver does not print', async () => {
    const pids = cluster.nodes.map(({ pid }) => pid);
    const before = pids.map(peakMiB);
    const { out, err } = await run('deaf', join(folder, 'deaf'));
    const end = `result done\n(says node=${first}) out 1 ä😀\nresult 1\n`;
    assert.ok(out.endsWith(`y\n${end}`), out.slice(-300));
    const [, lines = '', bytes = ''] =
      new RegExp(`^mobula: (\\d+) lines \\((\\d+) bytes\\) of tasks on node=${first}`).exec(err) ?? [];
    const printed = out.slice(0, -end.length);
    const seen = printed.replaceAll(`(flood node=${first}) `, '');
    assert.ok(Number(lines) > 300, err);
    // What was printed and what was dropped are all there was, but for the end of the line that was cut.
    assert.equal(seen.length + Number(bytes) - 1, 400 * 100_001);
    for (const [i, pid] of pids.entries()) {
      const grown = peakMiB(pid) - (before[i] ?? 0);
      assert.ok(grown < 80, `a node grew by ${grown} MiB`);
    }
  });

  it('harms nobody where its driver is gone', async () => {
    const driver = new Driver(cluster, 'endless');
    await until(
      () => driver.out.includes('for ever\n(endless'),
      () => driver.out + driver.err,
      20_000,
    );
    driver.child.kill('SIGKILL');
    const { out } = await run('same');
    assert.match(out, /the same\n.*results\n/s);
  });
});

/** The most memory that a process has had so far. */
function peakMiB(pid: number): number {
  const [, kib = 'NaN'] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}
