import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { limit } from '../support/suite.ts';

const mobula = fileURLToPath(new URL('../../../dist/bin/mobula.js', import.meta.url));

interface Outcome {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [mobula, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { code: status, output: stdout, errors: stderr };
}

interface DoctorReport {
  readonly node: { readonly version: string };
  readonly system: { readonly platform: string; readonly libc: string };
  readonly cores: { readonly machine: number; readonly usable: number };
  readonly memory: { readonly machine: number; readonly limit: number; readonly objectStore: number };
  readonly binary: { readonly path: string; readonly source: string } | null;
  readonly checks: readonly { readonly name: string; readonly status: string; readonly message: string }[];
  readonly ok: boolean;
}

function doctor(env: NodeJS.ProcessEnv = {}): { readonly code: number | null; readonly report: DoctorReport } {
  const { code, output, errors } = run(['doctor', '--json'], env);
  assert.equal(errors, '');
  return { code, report: JSON.parse(output) as DoctorReport };
}

/** The check of that name. */
function check(report: DoctorReport, name: string): string {
  const found = report.checks.find((one) => one.name === name);
  return found === undefined ? 'not made' : `${found.status}: ${found.message}`;
}

test('doctor finds nothing missing where mobula works', limit, () => {
  const { code, report } = doctor();
  assert.equal(code, 0);
  assert.equal(report.ok, true);
  assert.equal(report.node.version, process.version);
  assert.match(report.system.libc, /^glibc 2\.\d+$|^musl$/);
  assert.equal(report.binary?.source, 'clone');
  assert.ok(report.cores.usable >= 1 && report.cores.usable <= report.cores.machine);
  assert.ok(report.memory.limit <= report.memory.machine && report.memory.objectStore < report.memory.limit);
  assert.deepEqual(
    report.checks.map(({ name, status }) => [name, status === 'failed']),
    [
      ['node', false],
      ['binary', false],
      ['spill', false],
      ['runtime', false],
    ],
  );
});

test('doctor tells people the same as programs', limit, () => {
  const { code, output } = run(['doctor']);
  assert.equal(code, 0);
  for (const part of [
    process.version,
    'usable',
    'the object store takes',
    '(clone)',
    'mobula works on this machine.',
  ]) {
    assert.ok(output.includes(part), output);
  }
});

test('doctor runs without a binary, and says what to do', limit, () => {
  const { code, report } = doctor({ MOBULA_BINARY: '/nowhere/mobula.node' });
  assert.equal(code, 1);
  assert.equal(report.binary, null);
  assert.equal(check(report, 'runtime'), 'not made');
  const binary = check(report, 'binary');
  assert.match(binary, /^failed: ERR_MOBULA_BINARY: mobula [\d.]+ found no binary that works on linux-x64-gnu, Node v/);
  assert.match(binary, /\/nowhere\/mobula\.node: not there\n/);
  assert.match(binary, /MOBULA_BINARY names this file: unset it/);
});

test('a file that is no binary is told from one that is missing', limit, () => {
  const folder = mkdtempSync(join(tmpdir(), 'mobula-binary-'));
  try {
    const file = join(folder, 'mobula.node');
    writeFileSync(file, 'this is no library');
    const { code, report } = doctor({ MOBULA_BINARY: file });
    assert.equal(code, 1);
    assert.match(check(report, 'binary'), /mobula\.node: .*(invalid ELF header|file too short)/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a platform without binaries is told which there are', limit, () => {
  const elsewhere = "data:text/javascript,Object.defineProperty(process,'platform',{value:'freebsd'})";
  const { code, report } = doctor({ NODE_OPTIONS: `--import=${elsewhere}` });
  assert.equal(code, 1);
  assert.match(check(report, 'binary'), /no binary that works on freebsd-x64, Node v/);
  assert.match(check(report, 'binary'), /There are binaries for linux-x64-gnu, .*\. mobula does not run here/);
});

test('without a binary, a command that needs one says so in one message', limit, () => {
  const missing = { MOBULA_BINARY: '/nowhere/mobula.node' };
  const { code, output, errors } = run(['microbenchmark', '--quick'], missing);
  assert.deepEqual([code, output], [1, '']);
  assert.match(errors, /^ERR_MOBULA_BINARY: .*found no binary that works/);
  assert.doesNotMatch(errors, /\n {4}at /);
  assert.equal(run(['microbenchmark', '--filter', '('], missing).code, 2);
});

test('MOBULA_BINARY chooses the binary', limit, () => {
  const folder = mkdtempSync(join(tmpdir(), 'mobula-binary-'));
  try {
    const path = join(folder, 'mine.node');
    copyFileSync(doctor().report.binary?.path ?? '', path);
    const { code, report } = doctor({ MOBULA_BINARY: path });
    assert.deepEqual([code, report.binary], [0, { path, source: 'environment' }]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('doctor reports a folder for spilling that is not there', limit, () => {
  const { code, report } = doctor({ TMPDIR: '/nowhere/tmp' });
  assert.equal(code, 0, 'it works until the store is full');
  assert.match(check(report, 'spill'), /^warning: \/nowhere\/tmp cannot be written to.*Set TMPDIR/);
});

test('doctor reports a runtime that does not start', limit, () => {
  const { code, report } = doctor({ MOBULA_ADDRESS: '127.0.0.1:1', MOBULA_AUTH_TOKEN: 'none' });
  assert.equal(code, 1);
  assert.match(check(report, 'runtime'), /^failed: A task could not be run\. ERR_MOBULA_CONNECTION: .*nobody listens/);
});

test('help and version go to the output with code 0', limit, () => {
  const help = run(['--help']);
  assert.equal(help.code, 0);
  assert.match(help.output, /^usage: mobula <command>[\s\S]*\n {2}doctor +\S/);
  const version = run(['--version']);
  assert.equal(version.code, 0);
  assert.match(version.output, /^\d+\.\d+\.\d+\n$/);
  assert.match(run(['doctor', '--help']).output, /^usage: mobula doctor \[--json\]/);
});

const misuses: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['no command', [], /^usage: mobula <command>/],
  ['a command that nobody knows', ['dokter'], /^mobula: there is no command 'dokter'\.\n\nusage:/],
  ['the name of something every object has', ['constructor'], /^mobula: there is no command 'constructor'/],
  [
    'an option that nobody knows',
    ['doctor', '--jason'],
    /^mobula doctor: Unknown option '--jason'[\s\S]*usage: mobula doctor/,
  ],
  ['an argument too many', ['doctor', 'now'], /^mobula doctor: Unexpected argument 'now'/],
];
for (const [what, args, message] of misuses) {
  test(`${what} is a usage error with code 2`, limit, () => {
    const { code, output, errors } = run(args);
    assert.deepEqual([code, output], [2, '']);
    assert.match(errors, message);
  });
}
