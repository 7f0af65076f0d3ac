// Threads of a node belong to one job, and go with it.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { after, before, describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { get, init, remote, shutdown } from 'mobula';
import { type Cluster, startCluster } from 'mobula/testing';
import { inside } from '../support/inside.ts';
import { until } from '../support/until.ts';

const file = fileURLToPath(new URL('job-program.js', import.meta.url));

/** What a driver has seen. */
interface Seen {
  readonly marks: readonly string[];
  readonly workers: readonly string[];
  readonly jobs: readonly string[];
  readonly own: string;
  readonly count: number;
}

/** A driver in a process of its own. */
class Driver {
  readonly name: string;
  readonly process: ChildProcess;
  readonly #lines: Interface;

  constructor(t: TestContext, address: string, name: string) {
    this.name = name;
    this.process = spawn(process.execPath, [file, address, name], { stdio: ['pipe', 'pipe', 'inherit'] });
    t.after(() => this.process.kill('SIGKILL'));
    this.#lines = createInterface({ input: this.process.stdout as NodeJS.ReadableStream });
  }

  async #line(): Promise<string> {
    const [line] = (await once(this.#lines, 'line')) as [string];
    return line;
  }

  /** It has a job, and its tasks have run. */
  async up(): Promise<void> {
    assert.equal(await this.#line(), 'up');
  }

  /** Ends it. */
  async over(): Promise<Seen> {
    const line = this.#line();
    this.process.stdin?.end();
    return JSON.parse(await line) as Seen;
  }
}

const threadsOf = (pid: number): number => readdirSync(`/proc/${pid}/task`).length;

/** Bytes of a process that are in memory and its own. */
function memoryOf(pid: number): number {
  const [, resident = '0', shared = '0'] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
  return (Number(resident) - Number(shared)) * 4096;
}

describe('jobs of one node', () => {
  let cluster: Cluster;
  let pid = 0;
  /** Threads of the node while it has no job. */
  let threads = 0;
  before(async () => {
    cluster = await startCluster({ nodes: [{ numCpus: 1 }] });
    pid = cluster.nodes[0]?.pid ?? 0;
    threads = threadsOf(pid);
  });
  after(() => cluster.stop());

  const idle = (): Promise<void> =>
    until(
      () => threadsOf(pid) <= threads,
      () => `${threadsOf(pid)} threads, not ${threads}`,
    );

  it('run at once, each with threads of its own, and both go on', async (t) => {
    const [a, b] = [new Driver(t, cluster.address, 'a'), new Driver(t, cluster.address, 'b')];
    await Promise.all([a.up(), b.up()]);
    const seen = await Promise.all([a.over(), b.over()]);
    for (const [i, { marks, jobs, own, count }] of seen.entries()) {
      assert.deepEqual(marks, ['ab'[i]]);
      assert.deepEqual(jobs, [own]);
      assert.ok(count >= 40);
    }
    assert.notEqual(seen[0]?.own, seen[1]?.own);
    assert.ok(!seen[0]?.workers.some((worker) => seen[1]?.workers.includes(worker)));
    await idle();
  });

  it('end when their driver is killed, and nobody else is hurt', async (t) => {
    const [dies, lives] = [new Driver(t, cluster.address, 'dies'), new Driver(t, cluster.address, 'lives')];
    await Promise.all([dies.up(), lives.up()]);
    const both = threadsOf(pid);
    dies.process.kill('SIGKILL');
    // The head takes it for dead after 5 s.
    await until(
      () => threadsOf(pid) < both,
      () => `${threadsOf(pid)} threads`,
      20_000,
    );
    assert.deepEqual((await lives.over()).marks, ['lives']);
    await idle();
  });

  it('leave nothing behind, one after another, whatever their tasks were at', async () => {
    const filler = 'x'.repeat(100_000);
    const memory: number[] = [];
    const left: string[] = [];
    for (let job = 0; job < 20; job++) {
      await init({ address: cluster.address });
      const count = remote(() => {
        const { addon, port } = inside();
        const there = globalThis as { visits?: number };
        there.visits = (there.visits ?? 0) + 1;
        const { small, buffers } = addon.storeStats(port.id);
        return { visits: there.visits, templates: addon.templatesInUse(), live: addon.liveTasks(), small, buffers };
      });
      const { visits, ...rest } = await get(count.remote());
      assert.equal(visits, 1);
      left.push(JSON.stringify(rest));
      const size = remote((text: string) => text.length + filler.length);
      assert.equal(await get(size.remote(filler)), 2 * filler.length);
      const endless = remote(async (depth: number): Promise<void> => {
        if (depth > 0) endless.remote(depth - 1);
        await new Promise(() => undefined);
      });
      const hung = remote(() => {
        for (;;);
      });
      for (let i = 0; i < 5; i++) endless.remote(2);
      if (job % 2 === 1) hung.remote();
      // In flight, and given up.
      await shutdown({ timeoutMs: 0 });
      await idle();
      memory.push(memoryOf(pid));
    }
    assert.deepEqual(new Set(left.slice(1)).size, 1, left.join('\n'));
    const [early = 0, late = 0] = [memory.slice(5, 10), memory.slice(15)].map((some) => Math.min(...some));
    assert.ok(late < early + 16 * 2 ** 20, `${memory.map((bytes) => Math.round(bytes / 2 ** 20)).join(' ')} MiB`);
  });
});
