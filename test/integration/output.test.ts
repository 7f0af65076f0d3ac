import assert from 'node:assert/strict';
import test from 'node:test';
import { Program } from '../support/program.ts';
import { limit } from '../support/suite.ts';

/** What a program with replaced streams, such as a test runner has, saw; and what else it found out. */
async function seen(mode: string): Promise<{ readonly lines: readonly string[]; readonly found: unknown }> {
  const { code, output, errors } = await new Program('output', [mode]).end();
  assert.equal(code, 0, errors);
  return JSON.parse(output) as { lines: string[]; found: unknown };
}

test('lines come through the streams of the driver, before the result', limit, async () => {
  const { lines, found } = await seen('lines');
  const expected = Array.from({ length: 50 }, (_, i) => [
    `stdout line ${i} ä€😀\n`,
    `stderr LINE ${i} Ä€😀\n`,
    'stdout bytes 0102ff',
    `result line ${i} ä€😀`,
  ]);
  assert.deepEqual([lines, found], [expected.flat(), null]);
});

test('the result of a task that another thread has read does not overtake its lines either', limit, async () => {
  const { lines, found } = await seen('chain');
  assert.deepEqual(
    [lines.slice(0, 2).sort(), lines.slice(2), found],
    [['stdout said 1\n', 'stdout said 2\n'], ['result 3'], null],
  );
});

test('nor does a result that `wait` finds without a pause', limit, async () => {
  const { lines } = await seen('poll');
  assert.deepEqual(lines, ['stdout said\n', 'there 1']);
});

test('a long text arrives whole, cut between characters', limit, async () => {
  const { lines } = await seen('long');
  assert.ok(lines.length > 2);
  const all = lines
    .slice(0, -1)
    .map((piece) => piece.slice('stdout '.length))
    .join('');
  assert.ok(all === 'ä€😀\n'.repeat(60_000));
});

test('write answers, calls back and encodes as it does elsewhere', limit, async () => {
  const { lines } = await seen('writes');
  assert.deepEqual(lines, ['stdout bytes 6869', 'stdout a', 'stdout b', 'result true,called back,0']);
});

test('a stream that throws is not taken for a fault of the task', limit, async () => {
  const { lines, found } = await seen('throws');
  assert.deepEqual([lines, found], [['result 1'], 'no more lines']);
});

test('a task may print more than the driver holds, however busy that is', limit, async () => {
  const { code, output, errors } = await new Program('output', ['busy']).end();
  assert.equal(code, 0, errors);
  const lines = output.split('\n');
  assert.deepEqual(
    lines.filter((line) => line.startsWith('line ')),
    Array.from({ length: 30_000 }, (_, i) => `line ${i} ${'x'.repeat(20)}`),
  );
  assert.equal(lines.at(-2), 'driver: done');
});

test('what a task prints fills no heap', limit, async () => {
  const { code, errors, output } = await new Program('output', ['flood']).end(30_000);
  assert.equal(code, 0, errors);
  const [bytes = 0, grown = 0] = /bytes (\d+) grown (\d+)/.exec(output)?.slice(1).map(Number) ?? [];
  assert.equal(bytes, 256 * 2 ** 20);
  assert.ok(grown < 150, `${grown} MiB more for 256 MiB of output`);
});

test('the last words of a thread that dies are printed', limit, async () => {
  const { code, output, errors } = await new Program('output', ['dies']).end();
  assert.equal(code, 0, errors);
  assert.equal(output, 'last words\nERR_MOBULA_WORKER_DIED\n');
});
