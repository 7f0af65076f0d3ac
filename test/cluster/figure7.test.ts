// The paper's figure 7: a task goes to the node that has its argument, and its result comes back. From what the processes print.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Started } from '../../src/bin/start/report.ts';
import { type Foreground, freePort, User } from './commands.ts';

const MIB = 1 << 20;
const trace = { MOBULA_TRACE: '1' };

const program = `
import { get, init, nodes, put, remote, shutdown } from ${JSON.stringify(fileURLToPath(new URL('../../../dist/index.js', import.meta.url)))};

const [address, n2] = process.argv.slice(2);
await init({ address });
const at = { schedulingStrategy: { nodeId: n2 } };
const make = remote(function make(bytes) { return new Uint8Array(bytes).fill(2); }, at);
const length = remote(function length(array) { return array.length; }, at);
const add = remote(function add(a, b) { return b.map((byte, i) => byte + a[i % a.length]); });
const a = put(new Uint8Array(${MIB}).fill(1));
const b = make.remote(${32 * MIB});
await get(length.remote(b));
const c = add.remote(a, b);
const sum = await get(c);
console.log(JSON.stringify({ c: c.id, right: sum.length === ${32 * MIB} && sum.every((byte) => byte === 3) }));
await shutdown();
`;

/** A line of a trace. */
interface Line {
  readonly step: string;
  readonly ms: number;
  readonly node: string;
  readonly text: string;
}

function linesOf(errors: string): Line[] {
  const lines: Line[] = [];
  for (const [, step = '', ms, node = '', text = ''] of errors.matchAll(
    /^mobula figure 7: (.*?) \| (.*?) \| (.*?) \| (.*)$/gm,
  ))
    lines.push({ step, ms: Number(ms), node, text });
  return lines;
}

async function up(started: Foreground): Promise<Started> {
  return JSON.parse(await started.line()) as Started;
}

async function ended(started: Foreground): Promise<string> {
  started.process.kill('SIGTERM');
  return (await started.ended).errors;
}

/** Runs the program on a head and two nodes; gives all lines in the order of their times. */
async function run(t: TestContext): Promise<{ n1: string; n2: string; c: string; lines: readonly Line[] }> {
  const user = new User(t);
  const port = String(await freePort());
  const head = user.start(t, ['start', '--head', '--num-cpus', '0', '--port', port, '--json'], trace);
  const { address } = await up(head);
  const node = (): Foreground => user.start(t, ['start', '--address', address, '--num-cpus', '1', '--json'], trace);
  const [second, third] = [node(), node()];
  const { nodeId: n2 = '' } = await up(second);
  await up(third);
  const file = join(user.home, 'figure7.mjs');
  writeFileSync(file, program);
  const driver = user.program(t, [file, address, n2], trace);
  const printed = await driver.line();
  const { c, right } = JSON.parse(printed) as { c: string; right: boolean };
  assert.ok(right);
  const errors = [(await driver.ended).errors, await ended(second), await ended(third), await ended(head)];
  const lines = errors.flatMap(linesOf).sort((one, other) => one.ms - other.ms);
  return { n1: c.slice(0, 8), n2: n2.slice(0, 8), c, lines };
}

/** Where a step is to be seen, and what is said of it. */
type Expected = readonly [step: string, node: string, text: RegExp];

/** That each step was printed, once, and one after another; those of `of` are the lines looked at. */
function assertSteps(of: readonly Line[], expected: readonly Expected[]): void {
  let last = Number.NEGATIVE_INFINITY;
  for (const [step, node, text] of expected) {
    const found = of.filter((line) => line.step === step && line.node === node && text.test(line.text));
    assert.equal(
      found.length,
      1,
      `${step} at ${node}, ${text}:\n${of.map((line) => Object.values(line).join(' | ')).join('\n')}`,
    );
    const [{ ms } = { ms: Number.NaN }] = found;
    assert.ok(ms >= last, `${step} came before the step in front of it`);
    last = ms;
  }
}

test("figure 7, from the nodes' own lines: add(a, b) with a at N1 and b at N2", { timeout: 300_000 }, async (t) => {
  const { n1, n2, c, lines } = await run(t);
  const asked = lines.findIndex(({ step, text }) => step === 'execute 1' && text.includes(c));
  assert.ok(asked >= 0);
  for (const { step, ms, node, text } of lines.slice(asked)) t.diagnostic(`${step} | ${ms} | ${node} | ${text}`);

  const [, task = ''] =
    /^add, task (\w+),/.exec(lines.find(({ text }) => text.startsWith('add, task'))?.text ?? '') ?? [];

  // The task, and what it takes: nothing else is under way.
  assertSteps(lines, [
    ['execute 0', n1, /^add is registered/],
    ['execute 1', n1, new RegExp(`^add is submitted .*${c}`)],
    ['execute 2', n1, /1 of add$/],
    ['execute 3', 'head', new RegExp(`^the large arguments of add: \\d{8} bytes at ${n2}$`)],
    ['execute 4', n1, new RegExp(`^add goes to node ${n2}`)],
    ['execute 5', n2, /^add, .* looks for its arguments/],
    ['execute 6', n2, new RegExp(`^add, .* lacks a large argument, which is at node ${n1}$`)],
    ['execute 7', n2, new RegExp(`^\\d{7} bytes came from the store of node ${n1}`)],
    ['execute 8', n2, /^add, .* has its arguments/],
    ['execute 9', n2, /a worker runs add/],
  ]);
  // `get` waits while the task runs: the first two of its steps come before the fifth, and not before others.
  assertSteps(lines, [
    ['return 1', n1, new RegExp(c)],
    ['return 2', n1, new RegExp(c)],
    ['return 5', n1, /hears how add has ended/],
  ]);
  assertSteps(lines, [
    ['return 3', n2, /^add has ended/],
    ['return 4', n2, new RegExp(`^node ${n1} is told how task ${task} has ended; its result stays here`)],
    ['return 5', n1, /hears how add has ended/],
    ['return 6', n1, new RegExp(`^\\d{8} bytes came from the store of node ${n2}`)],
    ['return 7', n1, new RegExp(c)],
  ]);
});
