import assert from 'node:assert/strict';
import test from 'node:test';
import { Program } from '../support/program.ts';

// What was lost, once: the work in flight when another wait ended during `shutdown()`; the output of tasks that had ended.
const limit = { timeout: 180_000 };

/** What is in flight, and the lines it prints if it is waited for. */
const flights: Record<string, readonly string[]> = {
  nothing: [],
  other: ['slow'],
  actor: ['called'],
  unread: [],
  half: [],
  both: ['slow'],
  dropped: [],
  starting: ['quick 1'],
};
/** How the program ends: its exit code, whether it waits for what is in flight, and the line it ends with. */
const ways: Record<string, readonly [code: number, drains: boolean, last?: string]> = {
  return: [0, false],
  shutdown: [0, true, 'drained'],
  twice: [0, true, 'drained'],
  hasten: [0, false, 'drained'],
  large: [0, true, 'drained'],
  again: [0, true, 'drained'],
  beforeExit: [0, true, 'drained'],
  onExit: [0, false],
  exit: [7, false],
  throw: [1, false],
  reject: [1, false],
};

/** The endings that do not depend on what is in flight are tried with one thing only. */
const rare = new Set(['twice', 'large', 'again', 'onExit', 'reject']);

for (const [flight, lines] of Object.entries(flights)) {
  const those = Object.entries(ways).filter(([way]) => flight === 'other' || !rare.has(way));
  test(`with '${flight}' in flight, every ending comes, and loses nothing`, limit, async () => {
    for (const [way, [code, drains, last]] of those) {
      const { output, errors, ...ending } = await new Program('endings', [flight, way]).end(60_000);
      const told = `${flight}, ${way}: ${output}${errors}`;
      assert.deepEqual({ code: ending.code, signal: ending.signal }, { code, signal: null }, told);
      const printed = output.split('\n').filter((line) => line !== '');
      if (drains) for (const line of lines) assert.ok(printed.includes(line), told);
      if (last !== undefined) assert.equal(printed.at(-1), last, told);
      if (code === 0) assert.equal(errors, way === 'onExit' ? 'exits\n' : '', told);
    }
  });
}

test('what finished tasks have printed is there before their results, whatever the ending', limit, async () => {
  for (const [way, [code]] of Object.entries(ways)) {
    const { output, errors, ...ending } = await new Program('endings', ['finished', way]).end(60_000);
    const printed = output.split('\n');
    const lines = printed.slice(0, printed.indexOf('results 50'));
    assert.equal(ending.code, code, errors);
    assert.deepEqual(
      lines.sort(),
      Array.from({ length: 50 }, (_, i) => `quick ${i}`).sort(),
      `${way}: ${output}${errors}`,
    );
  }
});
