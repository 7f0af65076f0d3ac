import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Report } from '../../src/bin/microbenchmark/report.ts';
import { limit } from '../support/suite.ts';

const mobula = fileURLToPath(new URL('../../../dist/bin/mobula.js', import.meta.url));

function run(...args: readonly string[]): { code: number | null; output: string; errors: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [mobula, 'microbenchmark', ...args], {
    encoding: 'utf8',
  });
  return { code: status, output: stdout, errors: stderr };
}

test('every case of tasks and actors gives a rate, and round trips where they are asked for', limit, () => {
  const { code, output, errors } = run('--quick', '--json', '--filter', 'sync$|concurrent|with arg');
  assert.equal(code, 0, errors);
  const report = JSON.parse(output) as Report;
  assert.deepEqual([report.quick, report.node], [true, process.version]);
  assert.ok(report.cores >= 1 && report.cpu.length > 0 && Date.parse(report.date) > 0);
  assert.deepEqual(
    report.results.map(({ name, roundTrips }) => [name, roundTrips !== undefined]),
    [
      ['single client tasks sync', true],
      ['single client tasks async', false],
      ['multi client tasks async', false],
      ['1:1 actor calls sync', true],
      ['1:1 actor calls async', false],
      ['1:1 actor calls concurrent', false],
      ['1:n actor calls async', false],
      ['n:n actor calls async', false],
      ['n:n actor calls with arg async', false],
      ['1:1 async-actor calls sync', true],
      ['1:1 async-actor calls async', false],
      ['1:1 async-actor calls with args async', false],
      ['1:n async-actor calls async', false],
      ['n:n async-actor calls async', false],
    ],
  );
  for (const { name, rate, roundTrips } of report.results) {
    assert.ok(rate !== undefined && rate.mean > 0 && rate.sd >= 0, name);
    assert.equal(rate.trials.length, 2, name);
    if (roundTrips !== undefined) assert.ok(roundTrips.p50 <= roundTrips.p99 && roundTrips.p99 <= roundTrips.p999);
  }
  // How far it is goes to the other stream.
  assert.match(errors, /^single client tasks sync per second \d+(\.\d+)? \+- /);
});

test('cases of objects that need little memory run too, and print what Ray prints', limit, () => {
  const { code, output } = run('--quick', '--filter', 'Plasma|10k refs|5 fields');
  assert.equal(code, 0, output);
  const lines = output.trimEnd().split('\n');
  assert.equal(lines.filter((line) => /^\S.* per second \d+(\.\d+)? \+- \d+(\.\d+)?$/.test(line)).length, 7, output);
});

test('help tells what is measured', limit, () => {
  const { code, output } = run('--help');
  assert.equal(code, 0);
  assert.match(output, /^usage: mobula microbenchmark \[--filter PATTERN\] \[--json\] \[--quick\]\n/);
});

const misuses: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['a filter that is no expression', ['--filter', '('], /--filter "\(" is not a regular expression/],
  [
    'a filter that matches nothing',
    ['--filter', 'plasma stores'],
    /matches no case\. The cases are:\n {2}single client/,
  ],
  ['an empty filter', ['--filter', ''], /it is empty\. Leave it out/],
  ['a filter without its pattern', ['--filter'], /argument missing/],
  ['an option that nobody knows', ['--trials', '3'], /Unknown option '--trials'/],
];
for (const [what, args, message] of misuses) {
  test(`${what} is a usage error with code 2`, limit, () => {
    const { code, output, errors } = run(...args);
    assert.deepEqual([code, output], [2, '']);
    assert.match(errors, message);
    assert.match(errors, /^mobula microbenchmark: [\s\S]*usage: mobula microbenchmark/);
  });
}
