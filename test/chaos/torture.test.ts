import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const limit = { timeout: 120_000 };
const run = promisify(execFile);

/** Runs one of `test/torture`, and gives the line of figures that it prints. It fails with what it found. */
async function torture(name: string, args: readonly string[], flags: readonly string[] = []): Promise<string> {
  const file = fileURLToPath(new URL(`../torture/${name}.js`, import.meta.url));
  const { stdout } = await run(process.execPath, [...flags, file, ...args]);
  return stdout;
}

test('tasks while workers are killed, in short', limit, async () => {
  const figures = await torture('chaos', ['--tasks', '1000', '--again', '100']);
  assert.match(figures, / kills=[1-9]\d* .* lost=0 wrong=0 hanging=0 /);
});

test('worker lives, in short', limit, async () => {
  const figures = await torture('lives', ['--lives', '14', '--warm', '7'], ['--max-old-space-size=48']);
  assert.match(figures, / lives=14 .* pins_left=0 /);
});

test('mixed work with churn, in short', limit, async () => {
  // What memory does in seconds tells nothing of an hour.
  const figures = await torture('soak', ['--minutes', '0.2', '--growth', 'Infinity']);
  assert.match(figures, / descriptors=0 threads=0 segments=0 spillFiles=0 timers=0 children=0/);
});
