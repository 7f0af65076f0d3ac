import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

interface Measured {
  readonly rate?: { readonly mean: number; readonly sd: number };
  readonly roundTrips?: { readonly count: number; readonly p50: number; readonly p99: number; readonly p999: number };
  readonly problem?: string;
}
interface MeasuredCase {
  readonly name: string;
  readonly unit: string;
  readonly systems: Readonly<Record<string, Measured>>;
}
interface Results {
  readonly machine: object;
  readonly versions: { readonly mobula: string; readonly ray?: string };
  readonly quick: boolean;
  readonly cases: readonly MeasuredCase[];
}

const bench = new URL('../../../../bench/', import.meta.url);
const load = async <T>(file: string): Promise<T> => (await import(new URL(file, bench).href)) as T;

const { toPage } = await load<{ toPage(results: Results): string }>('versus/page.mjs');
const { toMarkdown } = await load<{ toMarkdown(results: Results): string }>('versus/table.mjs');
const { withCase } = await load<{ withCase(all: Results, one: MeasuredCase, order: readonly string[]): Results }>(
  'versus/results.mjs',
);
const format = await load<{ number(value: number | undefined): string; times(value: number | undefined): string }>(
  'versus/format.mjs',
);

const rate = (mean: number) => ({ mean, sd: mean / 100 });
const fast: MeasuredCase = {
  name: 'single client tasks sync',
  unit: 'tasks',
  systems: {
    mobula: { rate: rate(50_000), roundTrips: { count: 9, p50: 12.5, p99: 31, p999: 120 } },
    Ray: { rate: rate(800), roundTrips: { count: 9, p50: 1100, p99: 1900, p999: 4000 } },
    worker_threads: { rate: rate(40_000) },
    piscina: { rate: rate(10_000) },
    tinypool: { rate: rate(12_500) },
    workerpool: { problem: 'ended with code 1: <b>no</b> & more' },
  },
};
const slow: MeasuredCase = {
  name: 'single client put gigabytes',
  unit: 'GB',
  systems: { mobula: { rate: rate(12) }, Ray: { rate: rate(6) } },
};
const machine = { cpu: 'A & B', cores: 2, memoryGiB: 24, node: 'v20.0.0', date: '2026-01-02T03:04:05Z' };
const results: Results = {
  machine,
  versions: { mobula: '0.1.0', ray: '2.60.0' },
  quick: false,
  cases: [slow, fast],
};

test('the page needs nothing from elsewhere', () => {
  const page = toPage(results);
  for (const foreign of [/https?:/, /<script/, /<link/, /<img/, /\bsrc=/, /url\(/, /@import/]) {
    assert.doesNotMatch(page, foreign);
  }
});

test('the page says in words what its charts show, in both colour schemes', () => {
  const page = toPage(results);
  assert.match(page, /prefers-color-scheme: dark/);
  const charts = page.match(/<svg [^>]*>/g) ?? [];
  // Against Ray, one for round trips, and one per case.
  assert.equal(charts.length, 4);
  for (const chart of charts) assert.match(chart, /role="img" aria-label="[^"]+"/);
  assert.match(page, /aria-label="How many times Ray’s rate: single client tasks sync 62\.5\u202f×/);
  assert.match(page, /1 of 2<\/strong> cases reach 10 × Ray/);
  assert.match(page, /12\.5 · 31\.0 · 120/);
});

test('what failed is on the page, and is text there', () => {
  const page = toPage(results);
  assert.match(page, /workerpool, single client tasks sync: ended with code 1: &lt;b&gt;no&lt;\/b&gt; &amp; more/);
  assert.match(page, /A &amp; B, 2 cores/);
  assert.ok(!page.includes('<b>'));
});

test('the table compares with Ray, bare threads and the best pool, and admits what falls short', () => {
  const lines = toMarkdown(results).split('\n');
  const row = (start: string) => lines.find((line) => line.startsWith(start)) ?? '';
  assert.equal(
    row('| single client tasks sync (tasks)').replaceAll('\u202f', ' '),
    '| single client tasks sync (tasks) | 50 000 ± 1 % | 800 ± 1 % | 62.5 × | 40 000 ± 1 % | 1.25 × | 12 500 tinypool | 4.00 × |',
  );
  assert.match(row('| single client put gigabytes'), /\| 2\.00\u202f× \(below 10\) \| – \| – \| – \| – \|$/);
  assert.match(row('- single client put gigabytes, 2.00'), /: all there is to do is to copy 800 MiB/);
  assert.equal(row('| single client tasks sync | mobula'), '| single client tasks sync | mobula | 12.5 | 31.0 | 120 |');
  assert.match(lines.join('\n'), /workerpool, single client tasks sync: ended with code 1/);
});

test('without Ray the rest is still compared, and the gap is said', () => {
  const { Ray: _, ...systems } = fast.systems;
  const alone = { ...results, versions: { mobula: '0.1.0' }, cases: [{ ...fast, systems }] };
  assert.match(toMarkdown(alone), /without Ray; 2026-01-02[\s\S]*\nRay was not measured\.\n/);
  assert.match(toPage(alone), /<p>Ray was not measured\.<\/p>/);
});

test('a case that is measured again replaces its figures, in the order of Ray', () => {
  const again = { ...slow, systems: { mobula: { rate: rate(20) } } };
  const order = [fast.name, slow.name];
  const { cases } = withCase(results, again, order);
  assert.deepEqual(cases, [fast, again]);
});

test('numbers have three digits that count', () => {
  assert.deepEqual(
    [0.02346, 2.346, 23.46, 234.6, 2346, 234_567, 1_234_567, undefined].map((value) => format.number(value)),
    ['0.0235', '2.35', '23.5', '235', '2\u202f350', '235\u202f000', '1\u202f230\u202f000', '–'],
  );
  assert.equal(format.times(undefined), '–');
});

test('all systems go by the names that mobula has from Ray', async () => {
  const { cases } = await load<{ cases: readonly { name: string; by: string }[] }>(
    '../dist/bin/microbenchmark/cases/index.js',
  );
  const names = cases.filter(({ by }) => by === 'ray').map(({ name }) => name);
  const python = readFileSync(new URL('compare/ray/cases.py', bench), 'utf8');
  assert.deepEqual(
    [...python.matchAll(/^ {4}"([^"]+)": \(/gm)].map(([, name]) => name),
    names,
  );
  const { bareCases } = await load<{ bareCases: object }>('versus/bare-cases.mjs');
  const { poolCases } = await load<{ poolCases: Readonly<Record<string, object>> }>('versus/pool-cases.mjs');
  for (const own of [bareCases, ...Object.values(poolCases)]) {
    for (const name of Object.keys(own)) assert.ok(names.includes(name), name);
  }
});

for (const [what, args, message] of [
  ['a broken filter', ['--filter', '('], /^bench:compare: --filter "\(" is not a regular expression/],
  ['a filter that matches nothing', ['--filter', 'nothing'], /matches no case/],
  ['an unknown option', ['--fast'], /Unknown option '--fast'/],
] as const) {
  test(`bench:compare refuses ${what} with code 2`, () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [fileURLToPath(new URL('compare.mjs', bench)), ...args],
      { encoding: 'utf8' },
    );
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, message);
  });
}
