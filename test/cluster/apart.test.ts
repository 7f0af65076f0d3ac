// A node that the head reaches, and a driver does not: it is declared dead, and what waited for it goes on.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { context, get, init, nodes, remote, shutdown } from 'mobula';
import type { Started } from '../../src/bin/start/report.ts';
import type { NodeRow } from '../../src/gcs/tables/members.ts';
import { until } from '../support/until.ts';
import { freePort, User } from './commands.ts';

/** Only a hang takes longer, on a machine that is shared. */
const limit = { timeout: 300_000 };
/** Nodes listen at 127.0.0.1 alone. */
const NOBODY = '127.0.0.9';

const where = remote(() => context().nodeId, { maxRetries: 20 });

test('a node that a driver cannot reach dies, its tasks end elsewhere, and nothing hangs', limit, async (t) => {
  const user = new User(t);
  const head = ['start', '--head', '--port', String(await freePort()), '--num-cpus', '0', '--reconnect', '1'];
  const started = await user.run([...head, '--detach', '--json']);
  assert.equal(started.code, 0, started.errors);
  const { address } = JSON.parse(started.output) as Started;
  const join = ['start', '--address', address, '--num-cpus', '1', '--json'];
  const far = user.start(t, [...join, '--advertise', NOBODY]);
  const { nodeId: lost = '' } = JSON.parse(await far.line()) as Started;
  await init({ address, authToken: readFileSync(user.path('auth_token'), 'utf8').trim() });
  t.after(() => shutdown({ timeoutMs: 0 }));

  // There is no other node yet: they go there. Its supervisor starts it again, and that one is out of reach, too.
  const refs = Array.from({ length: 8 }, () => where.remote());
  const pinned = where.options({ schedulingStrategy: { nodeId: lost } }).remote();
  await assert.rejects(get(pinned), { name: 'NodeDiedError' });
  const rows = async (): Promise<NodeRow[]> =>
    JSON.parse((await user.run(['list', 'nodes', '--json'])).output) as NodeRow[];
  const cause = async (): Promise<string> => (await rows()).find(({ nodeId }) => nodeId === lost)?.cause ?? '';
  await until(async () => (await cause()) !== '', undefined, 120_000);
  assert.match(await cause(), /^nodes [0-9a-f]{16} and [0-9a-f]{16} cannot reach one another: /);
  await until(
    () => nodes().some(({ nodeId, alive, driver }) => alive && !driver && nodeId !== lost),
    undefined,
    60_000,
  );

  const near = await user.run([...join, '--detach']);
  assert.equal(near.code, 0, near.errors);
  const { nodeId: reached } = JSON.parse(near.output) as Started;
  assert.deepEqual(new Set(await get(refs)), new Set([reached]));
  const alive = (await rows()).filter((row) => row.alive).map(({ nodeId }) => nodeId);
  assert.ok(alive.includes(context().nodeId) && alive.includes(String(reached)));
});
