import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

function sim(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const main = fileURLToPath(new URL('./main.js', import.meta.url));
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', maxBuffer: 1 << 26 });
}

test('a run that finds a failure prints its history and how to repeat it, and the seed alone repeats it', () => {
  const many = sim('--seeds', '30', '--bug', 'two leases');
  assert.equal(many.status, 1);
  const [, seed, rule] = /^seed (\d+) of self failed: (.*)$/m.exec(many.stdout) ?? [];
  assert.ok(seed !== undefined && rule !== undefined, many.stdout.slice(-2000));
  assert.match(many.stdout, new RegExp(`npm run sim -- --protocol self --seed ${seed} --bug 'two leases'`));
  assert.doesNotMatch(many.stdout, /does not repeat/);
  const single = sim('--protocol', 'self', '--seed', seed, '--bug', 'two leases');
  assert.equal(single.status, 1);
  assert.ok(single.stdout.includes(`seed ${seed} of self: ${rule}`));
  // The last lines of both are the same history.
  const states = (text: string): string[] => text.split('\n').filter((line) => line.includes(' STATE '));
  assert.ok(states(single.stdout).length > 3);
  assert.deepEqual(states(single.stdout), states(many.stdout));
});

test('a run without a failure prints the table, and ends with 0', () => {
  const { status, stdout } = sim('--seeds', '3');
  assert.equal(status, 0);
  assert.match(stdout, /^WRITE +\d+( +\d+){6}$/m);
  assert.match(stdout, /^3 seeds, /m);
});

test('a wrong argument is named in one line', () => {
  for (const args of [
    ['--seeds', 'many'],
    ['--protocol', 'none'],
    ['--bug', 'none'],
  ]) {
    const { status, stderr } = sim(...args);
    assert.equal(status, 2);
    assert.match(stderr, /^--(seeds|protocol|bug)[^\n]*\n$/);
  }
});
