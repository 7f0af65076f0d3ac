// A head and a node on two hosts, and the cable between them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Started } from '../../src/bin/start/report.ts';
import { User } from './commands.ts';
import { twoHosts } from './hosts.ts';

/** Only a hang takes longer, on a machine that is shared. */
const limit = { timeout: 300_000 };
const program = fileURLToPath(new URL('./hosts-program.js', import.meta.url));

test(
  'two hosts: TLS between them, and a node whose cable is pulled dies, and comes back as another',
  limit,
  async (t) => {
    const hosts = twoHosts(t);
    if (typeof hosts === 'string') return t.skip(hosts);
    const [here, there] = hosts;
    const user = new User(t);
    const head = ['start', '--head', '--bind', here.address, '--num-cpus', '0', '--json'];
    const started = user.start(t, [...head, '--node-timeout', '2', '--reconnect', '2'], {}, here.before);
    const { address } = JSON.parse(await started.line()) as Started;
    const join = ['start', '--address', address, '--bind', there.address, '--num-cpus', '2', '--json'];
    const node = user.start(t, join, {}, there.before);
    JSON.parse(await node.line());

    const driver = user.program(t, [program, address], {}, here.before);
    const lines: string[] = [];
    while (lines.length < 5) lines.push(await driver.line());
    assert.deepEqual(lines, ['sums true', 'large true', 'fetched true', 'speaks TLSv1.3', 'waiting']);
    there.link(false);
    assert.equal(await driver.line(), 'lost true');
    there.link(true);
    assert.equal(await driver.line(), 'again true');
    assert.equal((await driver.ended).code, 0);
    for (const each of [node, started]) {
      each.process.kill('SIGTERM');
      assert.equal((await each.ended).code, 0);
    }
  },
);
