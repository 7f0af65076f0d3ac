// What tasks print on other nodes, as the driver's process prints it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Cluster, startCluster } from 'mobula/testing';

const program = fileURLToPath(new URL('./output-program.js', import.meta.url));
let cluster: Cluster;

interface Run {
  readonly code: number | null;
  readonly out: Buffer;
  readonly err: Buffer;
}

async function run(mode: string): Promise<Run> {
  const child = spawn(process.execPath, [program, cluster.address, mode], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out: Buffer.concat(out), err: Buffer.concat(err) };
}

describe('output of tasks on other nodes', () => {
  before(async () => {
    cluster = await startCluster({ nodes: [{ numCpus: 1 }, { numCpus: 1 }] });
  });
  after(() => cluster.stop());

  it('comes with names, before results', async () => {
    const { code, out, err } = await run('lines');
    console.log(out.toString(), err.toString());
    assert.equal(code, 0);
  });
});
