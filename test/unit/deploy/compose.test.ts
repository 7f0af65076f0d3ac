import assert from 'node:assert/strict';
import test from 'node:test';
import { asked, ROOM_MS, startPlan } from './commands.ts';
import { type Compose, documents, text } from './files.ts';

const [compose] = documents('compose.yaml') as readonly [Compose];
const { head, ...nodes } = compose.services;
const secondsOf = (duration: string): number => Number(/^(\d+)s$/.exec(duration)?.[1]);

/** Instructions of the Dockerfile, in order. */
const instructions = text('Dockerfile')
  .split('\n')
  .filter((line) => /^[A-Z]+ /.test(line))
  .map((line): readonly [string, string] => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]);

test('the image has mobula as process 1, which is no user with rights', () => {
  const [last, before] = instructions.toReversed();
  assert.equal(last?.[0], 'CMD');
  assert.deepEqual(before, ['USER', 'node']);
  const { head: plan, node } = startPlan(JSON.parse(String(last?.[1])) as string[]);
  assert.equal(plan?.bind, '127.0.0.1');
  assert.equal(node?.bind, '127.0.0.1');
  assert.ok(instructions.some(([name, rest]) => name === 'ENV' && rest === 'PATH=/app/node_modules/.bin:$PATH'));
  assert.ok(instructions.some(([name, rest]) => name === 'RUN' && /^npm ci .*--ignore-scripts/.test(rest)));
  assert.ok(!instructions.some(([name]) => name === 'ENTRYPOINT' || name === 'SHELL'));
});

test('the token goes neither into the image nor into the repository', () => {
  assert.deepEqual(text('.gitignore').split('\n'), ['token.env', '']);
  assert.ok(text('Dockerfile.dockerignore').split('\n').includes('**/token.env'));
  for (const service of Object.values(compose.services)) assert.equal(service.env_file, 'token.env');
});

test('the head of compose keeps its data in a volume and is asked on its own loopback', () => {
  assert.ok(head !== undefined);
  const { head: plan, node } = startPlan(head.command);
  assert.equal(node, undefined);
  assert.deepEqual([plan?.bind, plan?.advertise], ['0.0.0.0', 'head']);
  const [volume, path] = head.volumes?.[0]?.split(':') ?? [];
  assert.ok(Object.hasOwn(compose.volumes, String(volume)));
  assert.ok(String(plan?.dataDir).startsWith(`${path}/`));
  assert.ok(
    instructions.some(([name, rest]) => name === 'RUN' && rest === `install -d -o node -g node -m 700 ${path}`),
  );
  assert.deepEqual(head.healthcheck.test[0], 'CMD');
  assert.equal(asked(head.healthcheck.test.slice(1)), `127.0.0.1:${plan?.port}`);
});

test('the nodes of compose join the head by its name, and are reached by their own', () => {
  assert.ok(head !== undefined);
  const port = startPlan(head.command).head?.port;
  assert.deepEqual(Object.keys(nodes), ['node-1', 'node-2']);
  for (const [name, service] of Object.entries(nodes)) {
    const { head: none, node } = startPlan(service.command);
    assert.equal(none, undefined);
    assert.deepEqual([node?.address, node?.bind, node?.advertise], [`head:${port}`, '0.0.0.0', name]);
    assert.deepEqual(service.depends_on, { head: { condition: 'service_healthy' } });
    assert.equal(service.healthcheck.test[0], 'CMD');
    assert.equal(asked(service.healthcheck.test.slice(1)), node?.address);
  }
});

test('services of compose are one image, publish nothing, and are left time to drain', () => {
  for (const service of Object.values(compose.services)) {
    assert.deepEqual([service.image, service.build.dockerfile], ['mobula-app', 'deploy/Dockerfile']);
    assert.equal(service.ports, undefined);
    assert.ok(secondsOf(service.stop_grace_period) * 1000 >= startPlan(service.command).drainMs + ROOM_MS);
  }
});
