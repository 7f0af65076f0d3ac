import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { findHead } from '../../../../src/boot/home/find-head.ts';
import { headToken } from '../../../../src/boot/home/head-token.ts';
import { ownMark, type ProcessMark, stateOf } from '../../../../src/boot/home/process-mark.ts';
import { type RunFile, removeRunFile, running, writeRunFile } from '../../../../src/boot/home/run-files.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'mobula-home-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function head(port: number, mark: ProcessMark = ownMark()): RunFile {
  const address = `127.0.0.1:${port}`;
  return { role: 'head', address, process: mark, version: '0.1.0' };
}

/** The process number may be in use again: by this one. */
const reused = (): ProcessMark => ({ ...ownMark(), startTime: ownMark().startTime - 1 });

test('a process is told from one that has its number later, and from those of other machines', () => {
  const own = ownMark();
  assert.equal(stateOf(own), 'alive');
  assert.equal(stateOf(reused()), 'dead');
  assert.equal(stateOf({ ...own, pid: 2 ** 22 }), 'dead');
  assert.equal(stateOf({ ...own, boot: 'an earlier one' }), 'dead');
  assert.equal(stateOf({ ...own, host: 'another', boot: 'another' }), 'elsewhere');
  assert.equal(stateOf({ ...own, pidNamespace: 'pid:[1]' }), 'elsewhere');
});

test('a process is told whatever its name is', () => {
  const [before, { title }] = [ownMark(), process];
  process.title = ') Z 1 (';
  try {
    assert.match(readFileSync('/proc/self/stat', 'utf8'), /\(\) Z 1 \(\)/);
    assert.deepEqual(ownMark(), before);
    assert.equal(stateOf(before), 'alive');
  } finally {
    process.title = title;
  }
});

test("'auto' is the only head of this machine; files of dead heads are removed", (t) => {
  const run = folder(t);
  assert.throws(() => findHead('auto', join(run, 'missing')), {
    code: 'ERR_MOBULA_CONNECTION',
    message: /mobula start --head/,
  });
  writeRunFile(run, '6380', head(6380, reused()));
  writeRunFile(run, '6381', head(6381));
  writeRunFile(run, '6382', head(6382, { ...ownMark(), host: 'another' }));
  writeRunFile(run, 'node-7', { ...head(6381), role: 'node' });
  writeFileSync(join(run, 'notes.json'), 'not ours');
  assert.equal(findHead('auto', run), '127.0.0.1:6381');
  assert.deepEqual(readdirSync(run).sort(), ['6381.json', '6382.json', 'node-7.json', 'notes.json']);
});

test('several heads are listed', (t) => {
  const run = folder(t);
  writeRunFile(run, '6380', head(6380));
  writeRunFile(run, '6381', head(6381));
  const message = new RegExp(
    `127.0.0.1:6380 \\(process ${process.pid}\\), 127.0.0.1:6381 \\(process ${process.pid}\\)`,
  );
  assert.throws(() => findHead('auto', run), { code: 'ERR_MOBULA_CONNECTION', message });
});

test('an address is host and port, and nothing else', (t) => {
  const run = folder(t);
  for (const good of ['127.0.0.1:6380', 'head.local:1', '[::1]:65535']) assert.equal(findHead(good, run), good);
  for (const bad of [
    '',
    '6380',
    'host',
    'host:',
    'host:0',
    'host:65536',
    '::1:6380',
    'http://host:80',
    '[host]:1',
    ' h:1',
  ])
    assert.throws(() => findHead(bad, run), { code: 'ERR_MOBULA_INVALID_OPTION' }, bad);
});

test('a file is removed by those it belongs to, and not by others', (t) => {
  const run = folder(t);
  const file = writeRunFile(run, '6380', head(6380));
  removeRunFile(file, reused());
  assert.equal(running(run).length, 1);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  removeRunFile(file, ownMark());
  assert.deepEqual(readdirSync(run), []);
  // Once more is nothing.
  removeRunFile(file, ownMark());
});

test('the first head makes a token that only its user can read, and later ones use it', (t) => {
  const file = join(folder(t), '.mobula', 'auth_token');
  const token = headToken({}, file);
  assert.match(token, /^[\w-]{43}$/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(join(file, '..')).mode & 0o777, 0o700);
  assert.equal(headToken({}, file), token);
  assert.deepEqual(readdirSync(join(file, '..')), ['auth_token']);
  assert.equal(headToken({ MOBULA_AUTH_TOKEN: ' given ' }, file), 'given');
});

test('a token in the environment makes no file', (t) => {
  const home = folder(t);
  assert.equal(headToken({ MOBULA_AUTH_TOKEN: 'given' }, join(home, 'auth_token')), 'given');
  assert.deepEqual(readdirSync(home), []);
});

test('a token that others may read is refused, and so is an empty one', (t) => {
  const file = join(folder(t), 'auth_token');
  headToken({}, file);
  chmodSync(file, 0o640);
  assert.throws(() => headToken({}, file), { code: 'ERR_MOBULA_UNAUTHORIZED', message: /chmod 600/ });
  chmodSync(file, 0o600);
  writeFileSync(file, '\n');
  assert.throws(() => headToken({}, file), { code: 'ERR_MOBULA_UNAUTHORIZED', message: /is empty/ });
  assert.equal(readFileSync(file, 'utf8'), '\n');
});
