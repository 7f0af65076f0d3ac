// Drivers and nodes that go without a word.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { context, get, init, nodes, remote, shutdown, wait } from 'mobula';
import { type Cluster, startCluster } from 'mobula/testing';
import { until } from '../support/until.ts';

const file = fileURLToPath(new URL('../../../dist/index.js', import.meta.url));
const where = remote(() => context().nodeId);

interface Program extends ChildProcess {
  /** Resolves with what it has printed, once it has ended. */
  readonly printed: Promise<string>;
  readonly ended: Promise<unknown>;
}

describe('a cluster of real processes', () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: [{ numCpus: 1 }, { numCpus: 1 }] });
  });
  after(() => cluster.stop());

  /** A driver that runs `code`, where `m` is mobula. */
  function driver(code: string): Program {
    const source = `const m = await import(${JSON.stringify(file)}); ${code}`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
      env: { ...process.env, MOBULA_ADDRESS: cluster.address },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
    });
    const ended = once(child, 'close');
    return Object.assign(child, { ended, printed: ended.then(() => printed) });
  }

  it('lets a program end that never calls shutdown', async () => {
    const { printed, ended } = driver('await m.init(); console.log(await m.get(m.remote((x) => x + 1).remote(1)));');
    assert.equal(await printed, '2\n');
    assert.deepEqual(await ended, [0, null]);
  });

  it('tells a program that has not joined yet to wait for init', async () => {
    const { printed } = driver('try { m.remote(() => 1).remote(); } catch ({ code }) { console.log(code); }');
    assert.equal(await printed, 'ERR_MOBULA_CLUSTER\n');
  });

  it('gets the CPUs of a driver back that exits or is killed, whatever its tasks do', async () => {
    const busy = `await m.init(); const f = m.remote(() => { console.log('busy'); for (;;); });
      const refs = [f.remote(), f.remote()]; await m.wait(refs, { timeoutMs: 500 }); console.log('up');`;
    const exits = driver(`${busy} process.exit(3);`);
    assert.deepEqual(await exits.ended, [3, null]);
    await init({ address: cluster.address });
    assert.ok(await get(where.remote()));
    const killed = driver(`${busy} setInterval(() => {}, 1000);`);
    await once(killed.stdout as NodeJS.ReadableStream, 'data');
    killed.kill('SIGKILL');
    await killed.ended;
    assert.ok(await get([where.remote(), where.remote()]));
    await shutdown();
  });

  it('runs tasks elsewhere whose node stands still, and has that node end when it goes on', async () => {
    await init({ address: cluster.address });
    const slow = remote(async (n: number) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return n;
    });
    const refs = Array.from({ length: 12 }, (_, n) => slow.remote(n));
    await wait(refs, { numReturns: 2 });
    const [victim] = cluster.nodes;
    assert.ok(victim);
    victim.kill('SIGSTOP');
    assert.deepEqual(
      await get(refs),
      refs.map((_, n) => n),
    );
    await until(() => nodes().find(({ nodeId }) => nodeId === victim.nodeId)?.alive === false);
    victim.kill('SIGCONT');
    await until(() => cluster.nodes.length === 1);
    await shutdown();
  });
});
