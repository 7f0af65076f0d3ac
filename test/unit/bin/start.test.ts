import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test, { type TestContext } from 'node:test';
import { isUsageError } from '../../../src/bin/command.ts';
import { readFlags } from '../../../src/bin/start/flags.ts';
import { planOf, type User } from '../../../src/bin/start/plan.ts';
import type { Plan } from '../../../src/boot/supervisor/group.ts';

function user(t: TestContext, token: string | undefined = 'secret'): User {
  const folder = mkdtempSync(join(tmpdir(), 'mobula-start-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string): string => join(folder, name);
  return {
    home: { token: file('auth_token'), run: file('run'), logs: file('logs'), data: file('data') },
    environment: { MOBULA_AUTH_TOKEN: token },
  };
}

const plan = (line: string, whose: User): Plan => planOf(readFlags(line.split(' ')), whose);

/** That a command line is refused, with a message that has `words`. */
function refused(line: readonly string[], whose: User, words: string): void {
  assert.throws(
    () => planOf(readFlags(line), whose),
    (error: unknown) => isUsageError(error) && error.message.includes(words) && !error.message.includes('errors.md'),
    line.join(' '),
  );
}

test('a head alone has the defaults that the documents name', (t) => {
  const whose = user(t);
  assert.deepEqual(plan('--head --num-cpus 0', whose), {
    head: {
      token: 'secret',
      bind: '127.0.0.1',
      port: 6380,
      dataDir: join(whose.home.data, '6380'),
      nodeTimeoutMs: 5000,
      reconnectMs: 60_000,
    },
    drainMs: 25_000,
  });
});

test('the node beside a head is told what the command line says of nodes', (t) => {
  const line = [
    ...['--head', '--bind', '0.0.0.0', '--advertise', 'head.local', '--port', '7000', '--data-dir', '/data'],
    ...['--num-cpus', '1.5', '--num-gpus', '1', '--resources', '{"ssd":2}', '--labels', '{"zone":"a"}'],
    ...['--object-store-memory', '1GiB', '--drain', '0.5'],
    ...['--node-timeout', '2.5', '--reconnect', '30'],
  ];
  const { head, node, drainMs } = planOf(readFlags(line), user(t));
  assert.deepEqual(
    [head?.bind, head?.advertise, head?.port, head?.dataDir, head?.nodeTimeoutMs, head?.reconnectMs, drainMs],
    ['0.0.0.0', 'head.local', 7000, '/data', 2500, 30_000, 500],
  );
  assert.deepEqual(node, {
    token: 'secret',
    bind: '0.0.0.0',
    advertise: 'head.local',
    numCpus: 1.5,
    numGpus: 1,
    resources: { ssd: 2 },
    labels: { zone: 'a' },
    objectStoreMemory: 2 ** 30,
    root: process.cwd(),
    headTimeoutMs: 600_000,
  });
});

test('a node is told where its head is, and what only nodes have', (t) => {
  const whose = user(t);
  assert.deepEqual(plan('--address 10.0.0.1:6380 --bind 10.0.0.2 --ports 7000-7099 --head-timeout 5', whose), {
    node: {
      token: 'secret',
      address: '10.0.0.1:6380',
      bind: '10.0.0.2',
      ports: [7000, 7099],
      root: process.cwd(),
      headTimeoutMs: 5000,
    },
    drainMs: 25_000,
  });
  assert.equal(plan('--address localhost:6380', whose).node?.bind, '127.0.0.1');
  assert.equal(plan('--address localhost:6380 --root src', whose).node?.root, resolve('src'));
});

test('a command line that makes no sense is refused, and says what would', (t) => {
  const whose = user(t);
  const table: readonly (readonly [string, string])[] = [
    ['', '--head for the first process'],
    ['--num-cpus 2', '--head for the first process'],
    ['--head --address 127.0.0.1:6380', 'give one of them'],
    ['--head --ports 1-2', '--ports goes with --address'],
    ['--head --head-timeout 1', '--head-timeout goes with --address'],
    ['--address 127.0.0.1:1 --port 1', '--port goes with --head'],
    ['--address 127.0.0.1:1 --data-dir x', '--data-dir goes with --head'],
    ['--address 127.0.0.1', "'auto', or host and port"],
    ['--address 127.0.0.1:0', 'host and port'],
    ['--address 10.0.0.1:6380', 'give --bind'],
    ['--head --bind 0.0.0.0', 'give --advertise'],
    ['--head --bind ::', 'give --advertise'],
    ['--address 10.0.0.1:6380 --bind 0.0.0.0', 'give --advertise'],
    ['--address 127.0.0.1:6380 --bind ::', 'give --advertise'],
    ['--head --bind 0.0.0.0 --advertise 0.0.0.0', 'that others reach'],
    ['--address 10.0.0.1:6380 --bind 0.0.0.0 --advertise ::', 'that others reach'],
    ['--head --bind 127.0.0.1:6380', 'without a port'],
    ['--head --port 0', 'give --data-dir'],
    ['--head --port 65536', 'a whole number from 0 to 65535'],
    ['--head --port 0x10', '"0x10"; it must be a whole number'],
    ['--head --num-cpus=-1', 'a number of at least 0'],
    ['--head --num-cpus=', 'Option --num-cpus is ""'],
    ['--head --num-cpus 0.00001', 'in steps of 0.0001'],
    ['--head --resources ssd', 'a JSON object'],
    ['--head --resources [1]', 'a JSON object'],
    ['--head --resources {"CPU":1}', 'use numCpus'],
    ['--head --labels {"zone":1}', 'labels.zone'],
    ['--head --object-store-memory 1KB', "such as '512MiB'"],
    ['--head --object-store-memory 1', 'from 1048576'],
    ['--head --node-timeout 0', 'more than 0 seconds'],
    ['--head --drain soon', 'a number of seconds'],
    ['--head --root /no/such/folder', 'a folder that is there'],
    ['--address 127.0.0.1:1 --ports 2-1', 'the first and the last port'],
    ['--address 127.0.0.1:1 --ports 7000', 'the first and the last port'],
    ['--head --gcs-shards 2', "Unknown option '--gcs-shards'"],
    ['--head now', "Unexpected argument 'now'"],
  ];
  for (const [line, words] of table) refused(line === '' ? [] : line.split(' '), whose, words);
});

test('a node without a token is told where to get one', (t) => {
  const whose = user(t, '');
  assert.throws(() => plan('--address 127.0.0.1:6380', whose), {
    code: 'ERR_MOBULA_UNAUTHORIZED',
    message: /no token/,
  });
  writeFileSync(whose.home.token, 'x', { mode: 0o644 });
  assert.throws(() => plan('--address 127.0.0.1:6380', whose), {
    code: 'ERR_MOBULA_UNAUTHORIZED',
    message: /chmod 600/,
  });
});

test("'auto' without a head is no cluster", (t) => {
  assert.throws(() => plan('--address auto', user(t)), { code: 'ERR_MOBULA_CONNECTION' });
});
