// The command, typed by somebody with a home of their own, against heads of real processes.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import test, { type TestContext } from 'node:test';
import type { Started } from '../../src/bin/start/report.ts';
import { children, isAlive } from '../integration/supervisor/diary.ts';
import { until } from '../support/until.ts';
import { freePort, type Outcome, User } from './commands.ts';

/** Only a hang takes longer, on a machine that is shared. */
const limit = { timeout: 300_000 };

/** A head that stays when its command is over. */
async function detach(user: User, port: number, ...more: string[]): Promise<Started> {
  const args = ['start', '--head', '--num-cpus', '0', '--port', String(port), '--detach', '--json', ...more];
  return json(await user.run(args)) as Started;
}

/** What a command printed, which must have succeeded. */
function json({ code, output, errors }: Outcome): unknown {
  assert.equal(code, 0, errors);
  return JSON.parse(output);
}

/** That a command failed with that exit code, and one line on standard error that has `words`. */
function failed({ code, output, errors }: Outcome, expected: number, words: RegExp): void {
  assert.deepEqual([code, output], [expected, ''], errors);
  assert.match(errors, words);
  assert.equal(errors.split('\n').length, 2, errors);
}

test('a head that is detached is found, asked, and stopped', limit, async (t) => {
  const user = new User(t);
  const port = await freePort();
  const started = await detach(user, port);
  assert.equal(started.role, 'head');
  assert.equal(started.address, `127.0.0.1:${port}`);
  assert.equal(started.dataDir, user.path('data', String(port)));
  assert.equal(isAlive(started.pid), true);
  for (const [path, mode] of [
    ['auth_token', 0o600],
    ['run', 0o700],
    [`run/${port}.json`, 0o600],
    ['data', 0o700],
  ] as const)
    assert.equal(statSync(user.path(path)).mode & 0o777, mode, path);

  const status = await user.run(['status', '--json']);
  const none = { nodes: { alive: 0, dead: 0, drivers: 0 }, jobs: { running: 0, ended: 0 }, resources: {} };
  assert.deepEqual(json(status), { address: started.address, ...none });
  for (const subject of ['nodes', 'jobs']) {
    assert.deepEqual(json(await user.run(['list', subject, '--json'])), []);
    assert.match((await user.run(['list', subject, '--address', started.address])).output, /^(NODE|JOB) +[A-Z ]+\n$/);
  }
  assert.match((await user.run(['status'], { MOBULA_ADDRESS: started.address })).output, /nodes +0 alive, 0 dead/);

  const processes = [started.pid, ...children(started.pid)];
  assert.ok(processes.length >= 3);
  const stopped = await user.run(['stop', '--json']);
  const ended = [{ role: 'head', address: started.address, pid: started.pid, killed: false }];
  assert.deepEqual(json(stopped), { ended });
  assert.deepEqual(processes.filter(isAlive), []);
  assert.deepEqual(readdirSync(user.path('run')), []);
  assert.match((await user.run(['stop'])).output, /Nothing that --detach started runs/);
});

test('a head in the foreground says that it is up, and ends at SIGTERM and at Ctrl-C', limit, async (t) => {
  const user = new User(t);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const port = await freePort();
    const head = user.start(t, ['start', '--head', '--num-cpus', '0', '--port', String(port), '--json']);
    const { address, pid, log } = JSON.parse(await head.line()) as Started;
    assert.deepEqual([address, pid, log], [`127.0.0.1:${port}`, head.process.pid, undefined]);
    const { output } = await user.run(['stop']);
    assert.match(output, /runs in the foreground/);
    const processes = children(pid);
    head.process.kill(signal);
    const { code, output: printed, errors } = await head.ended;
    assert.deepEqual([code, errors, printed.split('\n').length], [0, '', 2]);
    await until(() => !processes.some(isAlive));
    assert.equal((await user.run(['status'])).code, 3);
  }
});

test('no process is left of a supervisor that is killed, and its file is no head', limit, async (t) => {
  const user = new User(t);
  const { pid } = await detach(user, await freePort());
  const processes = children(pid);
  process.kill(pid, 'SIGKILL');
  await until(() => ![pid, ...processes].some(isAlive));
  assert.equal(readdirSync(user.path('run')).length, 1);
  failed(
    await user.run(['status']),
    3,
    /^ERR_MOBULA_CONNECTION: No head of this user runs on this machine\. Start one/,
  );
  assert.deepEqual(readdirSync(user.path('run')), []);
});

test('of several heads each has to be named', limit, async (t) => {
  const user = new User(t);
  const [one, two] = [await detach(user, await freePort()), await detach(user, await freePort())];
  const outcome = await user.run(['status']);
  failed(outcome, 3, /Several heads run on this machine: .* Give the address of one of them/);
  for (const { address, pid } of [one, two]) {
    assert.ok(outcome.errors.includes(`${address} (process ${pid})`), outcome.errors);
    assert.equal((await user.run(['status', '--address', address])).code, 0);
  }
  const { ended } = json(await user.run(['stop', '--json'])) as { readonly ended: readonly unknown[] };
  assert.equal(ended.length, 2);
});

test('a head is started once at a port, whoever has it', limit, async (t) => {
  const user = new User(t);
  const { address } = await detach(user, await freePort());
  const port = address.split(':')[1] ?? '';
  const head = ['start', '--head', '--num-cpus', '0', '--port'];
  failed(await user.run([...head, port]), 1, /A head of yours is up at .* already\. mobula stop ends it/);
  const taken = await listening(t);
  for (const more of [[], ['--detach']]) {
    const outcome = await user.run([...head, String(taken), ...more]);
    failed(outcome, 1, /Cannot listen at 127\.0\.0\.1:\d+: another process has that port\. Choose another with --port/);
  }
  assert.deepEqual(readdirSync(user.path('run')), [`${port}.json`]);
});

/** A port that another program has. */
async function listening(t: TestContext): Promise<number> {
  const server = createServer((socket) => socket.end('220 mail\r\n'));
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { readonly port: number }).port;
}

test('two heads have no data directory in common', limit, async (t) => {
  const user = new User(t);
  const { dataDir = '' } = await detach(user, await freePort());
  const other = ['start', '--head', '--num-cpus', '0', '--port', String(await freePort()), '--data-dir', dataDir];
  failed(await user.run(other), 1, /^ERR_MOBULA_DATA_DIRECTORY: .*--data-dir/);
});

test('whoever is not let in is told why in one line', limit, async (t) => {
  const user = new User(t);
  const { address } = await detach(user, await freePort());
  const wrong = await user.run(['status'], { MOBULA_AUTH_TOKEN: 'wrong' });
  failed(wrong, 1, /^ERR_MOBULA_UNAUTHORIZED: The token of this process is not the token of 127/);
  const stranger = new User(t);
  failed(await stranger.run(['status', '--address', address]), 1, /There is no token\. Set MOBULA_AUTH_TOKEN/);
  failed(await user.run(['status', '--address', `127.0.0.1:${await freePort()}`]), 3, /nobody listens there/);
  failed(await user.run(['status', '--address', `127.0.0.1:${await listening(t)}`]), 3, /not mobula/);
  failed(await user.run(['status', '--address', 'nowhere.invalid:1']), 3, /no machine is known as nowhere\.invalid/);
  writeFileSync(user.path('auth_token'), 'shared', { mode: 0o600 });
  chmodSync(user.path('auth_token'), 0o644);
  failed(await user.run(['list', 'nodes']), 1, /may be read by others\. Forbid it: chmod 600/);
  failed(await user.run(['start', '--head', '--num-cpus', '0', '--port', '1']), 1, /chmod 600/);
});

test('a head that is started again has its port and what it knew', limit, async (t) => {
  const user = new User(t);
  const port = await freePort();
  const first = await detach(user, port);
  await user.run(['stop']);
  const second = await detach(user, port);
  assert.equal(second.address, first.address);
  assert.notEqual(second.pid, first.pid);
  assert.equal((await user.run(['status'])).code, 0);
});

test('a head whose shard dies goes on; the token is among the arguments of none of its processes', limit, async (t) => {
  const user = new User(t);
  const { pid } = await detach(user, await freePort(), '--reconnect', '1');
  const token = readFileSync(user.path('auth_token'), 'utf8').trim();
  const before = children(pid);
  for (const one of [pid, ...before]) {
    assert.doesNotMatch(readFileSync(`/proc/${one}/cmdline`, 'utf8'), new RegExp(token));
    assert.doesNotMatch(readFileSync(`/proc/${one}/environ`, 'utf8'), new RegExp(token));
  }
  for (const one of before) process.kill(one, 'SIGKILL');
  await until(async () => (await user.run(['status'])).code === 0, undefined, 240_000);
  assert.equal(before.some(isAlive), false);
});

test('a token given by the environment is written nowhere', limit, async (t) => {
  const user = new User(t);
  const token = 'given-by-the-environment';
  const port = await freePort();
  const head = user.start(t, ['start', '--head', '--num-cpus', '0', '--port', String(port), '--detach'], {
    MOBULA_AUTH_TOKEN: token,
  });
  const { code, output } = await head.ended;
  assert.equal(code, 0);
  assert.match(output, /that of MOBULA_AUTH_TOKEN/);
  assert.equal(existsSync(user.path('auth_token')), false);
  const { pid } = JSON.parse(readFileSync(user.path('run', `${port}.json`), 'utf8')).process as {
    readonly pid: number;
  };
  for (const one of [pid, ...children(pid)])
    for (const file of ['cmdline', 'environ'])
      assert.doesNotMatch(readFileSync(`/proc/${one}/${file}`, 'utf8'), new RegExp(token));
  assert.equal((await user.run(['status'], { MOBULA_AUTH_TOKEN: token })).code, 0);
});

test('what is not built, or makes no sense, is refused as unknown', limit, async (t) => {
  const user = new User(t);
  const table: readonly (readonly [readonly string[], RegExp])[] = [
    [['list', 'actors'], /there is no list of 'actors': nodes\|jobs/],
    [['list'], /say what: nodes\|jobs/],
    [['list', 'nodes', 'jobs'], /there is no list of 'nodes jobs'/],
    [['start', '--head', '--gcs-shards', '2'], /Unknown option '--gcs-shards'/],
    [['start'], /give --head .* or --address/],
    [['status', '--address', '127.0.0.1'], /Option --address is "127\.0\.0\.1"; it must be 'auto', or host and port/],
    [['status', 'nodes'], /Unexpected argument 'nodes'/],
    [['stop', '--timeout', 'soon'], /Option --timeout is "soon"; it must be a number of seconds/],
    [['top'], /there is no command 'top'/],
  ];
  for (const [args, words] of table) {
    const { code, output, errors } = await user.run(args);
    assert.deepEqual([code, output], [2, ''], args.join(' '));
    assert.match(errors, words);
  }
  const variable = await user.run(['status'], { MOBULA_ADDRESS: 'here' });
  assert.equal(variable.code, 2);
  assert.match(variable.errors, /MOBULA_ADDRESS is "here"/);
  assert.equal(existsSync(user.path()), false);
});
