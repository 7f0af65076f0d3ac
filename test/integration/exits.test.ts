import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { Program } from '../support/program.ts';
import { limit } from '../support/suite.ts';
import { until } from '../support/until.ts';

const byItself: readonly (readonly [mode: string, what: string, output: string])[] = [
  ['auto', 'started its runtime by its first call', '3\n'],
  ['nothing', 'has only called init()', 'up\n'],
  ['actors', 'has idle actors', "[ 'poked', 'poked', 'poked' ]\n"],
  ['unawaited', 'has tasks that nobody waits for', 'leaving\n'],
  ['leftovers', 'has a task that left a timer', 'leaving\n'],
  ['then', 'waits for a task without a top-level await', 'slept\n'],
  ['spin', 'has a task that never ends', 'leaving\n'],
];

for (const [mode, what, output] of byItself) {
  test(`a program that ${what} ends by itself`, limit, async () => {
    const ending = await new Program('exits', [mode]).end();
    assert.deepEqual(ending, { code: 0, signal: null, output, errors: '', spilled: [] });
  });
}

test('process.exit leaves no files', limit, async () => {
  const { code, spilled, output } = await new Program('exits', ['exit']).end();
  assert.deepEqual({ code, spilled, output }, { code: 7, spilled: [], output: 'ready\n' });
});

test('an exception at the top leaves no files', limit, async () => {
  const { code, spilled, errors } = await new Program('exits', ['throw']).end();
  assert.deepEqual({ code, spilled }, { code: 1, spilled: [] });
  assert.match(errors, /thrown at the top/);
});

/** Processes whose command line names the program. */
function survivors(mark: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(mark);
    } catch {
      return false;
    }
  });
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
  test(`${signal} leaves no processes and no files`, limit, async () => {
    const mark = `mark-${process.pid}-${signal}`;
    const program = new Program('exits', ['wait', mark]);
    await until(
      () => program.output.includes('ready'),
      () => 'it did not start',
    );
    program.kill(signal);
    const ending = await program.end();
    assert.deepEqual([ending.signal, ending.spilled], [signal, []]);
    assert.deepEqual(survivors(mark), []);
  });
}
