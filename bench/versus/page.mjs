/** The results as one HTML page that needs nothing else: no script, no font, no picture from anywhere. */
import { readFileSync } from 'node:fs';
import { bars, logBars, spans } from './charts.mjs';
import * as format from './format.mjs';
import { escapeHtml, table } from './html.mjs';
import { ASKED, bestPool, problems, ratios, shortfalls } from './ratios.mjs';
import { BARE, MOBULA, RAY } from './systems.mjs';
import { whereAndWhen } from './table.mjs';

const style = readFileSync(new URL('style.css', import.meta.url), 'utf8');
const TONES = { [MOBULA]: 'own', [RAY]: 'ray', [BARE]: 'bare' };
const tone = (system) => TONES[system] ?? 'pool';

export function toPage(results) {
  const { cases } = results;
  const compared = cases.filter(({ systems }) => ratios(systems).ray !== undefined);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>mobula beside Ray and worker threads</title>
<style>
${style}</style>
</head>
<body>
<main>
<h1>mobula beside Ray and worker threads</h1>
<p class="quiet">${escapeHtml(whereAndWhen(results))} Made by <code>npm run bench:compare</code>.</p>
<p>The cases are those of Ray’s own microbenchmark, measured as Ray measures them: 10 s of rest, 1 s of warming up, 4
trials of at least 2 s, each system in a process of its own with the whole machine, one right after another.</p>
${compared.length === 0 ? '<p>Ray was not measured.</p>' : againstRay(compared)}
${roundTrips(cases)}
<h2>Every case</h2>
<p>Operations per second; longer is faster. Each chart has a scale of its own.</p>
${cases.map(caseCard).join('\n')}
<h2>The figures</h2>
${figures(cases)}
${problemList(cases)}
</main>
</body>
</html>
`;
}

function againstRay(compared) {
  const rows = compared
    .map(({ name, systems }) => ({ name, ratio: ratios(systems).ray }))
    .sort((a, b) => b.ratio - a.ratio);
  const middle = rows[Math.floor(rows.length / 2)].ratio;
  const reached = rows.filter(({ ratio }) => ratio >= ASKED).length;
  const chart = logBars({
    title: `How many times Ray’s rate: ${rows.map(({ name, ratio }) => `${name} ${format.times(ratio)}`).join(', ')}`,
    mark: ASKED,
    rows: rows.map(({ name, ratio }) => ({
      label: name,
      value: ratio,
      text: format.times(ratio),
      tone: ratio >= ASKED ? 'own' : 'short',
    })),
  });
  return `<ul class="numbers">
<li><strong>${escapeHtml(format.times(middle))}</strong> the rate of Ray in the middle case</li>
<li><strong>${escapeHtml(`${format.times(rows.at(-1).ratio)} – ${format.times(rows[0].ratio)}`)}</strong> from the lowest to the highest</li>
<li><strong>${reached} of ${rows.length}</strong> cases reach ${ASKED} × Ray</li>
</ul>
<h2>mobula ÷ Ray</h2>
<p>How many times as many operations per second. The axis is logarithmic; the dashed line is ${ASKED} ×.</p>
<figure>${chart}</figure>
${shortfallList(compared)}`;
}

function shortfallList(compared) {
  const below = shortfalls(compared);
  if (below.length === 0) return '';
  const items = below.map(
    ({ name, ratio, reason }) =>
      `<li>${escapeHtml(name)}, ${escapeHtml(format.times(ratio))}: ${escapeHtml(reason ?? 'no reason is known')}.</li>`,
  );
  return `<p>Below ${ASKED} ×:</p>\n<ul>${items.join('\n')}</ul>`;
}

function roundTrips(cases) {
  const cards = cases.flatMap(({ name, systems }) => {
    const rows = Object.entries(systems).flatMap(([system, { roundTrips: found }]) => {
      if (found === undefined) return [];
      const points = [found.p50, found.p99, found.p999];
      return [{ label: system, points, text: points.map(format.number).join(' · '), tone: tone(system) }];
    });
    if (rows.length === 0) return [];
    const title = `${name}: p50, p99 and p99.9 in µs: ${rows.map(({ label, text }) => `${label} ${text}`).join(', ')}`;
    return [`<div class="card"><h3>${escapeHtml(name)}</h3>${spans({ title, rows })}</div>`];
  });
  if (cards.length === 0) return '';
  return `<h2>Round trips</h2>
<p>One call and its answer at a time: p50, p99 and p99.9 (the three dots, and the numbers in µs) on a logarithmic axis;
further left is faster.</p>
${cards.join('\n')}`;
}

function caseCard({ name, unit, systems }) {
  const rows = Object.entries(systems).flatMap(([system, { rate }]) =>
    rate === undefined ? [] : [{ label: system, value: rate.mean, text: format.rate(rate), tone: tone(system) }],
  );
  if (rows.length === 0) return '';
  const title = `${name}, ${unit} per second: ${rows.map(({ label, text }) => `${label} ${text}`).join(', ')}`;
  return `<div class="card"><h3>${escapeHtml(name)} <span class="quiet">${escapeHtml(unit)} per second</span></h3>${bars({ title, rows })}</div>`;
}

function figures(cases) {
  const head = ['per second', MOBULA, RAY, '÷ Ray', BARE, '÷', 'best pool', '÷'];
  return table(
    head,
    cases.map(({ name, unit, systems }) => {
      const pool = bestPool(systems);
      const { ray, bare, pool: overPool } = ratios(systems);
      return [
        `${name} (${unit})`,
        ...[MOBULA, RAY].map((system) => cell(systems[system])),
        format.times(ray),
        cell(systems[BARE]),
        format.times(bare),
        pool === undefined ? '–' : `${format.number(pool.rate)} ${pool.name}`,
        format.times(overPool),
      ];
    }),
  );
}

function cell(measured) {
  if (measured === undefined) return '–';
  return measured.rate === undefined ? 'failed' : format.rate(measured.rate);
}

function problemList(cases) {
  const found = problems(cases);
  if (found.length === 0) return '';
  const items = found.map(
    ({ name, system, problem }) => `<li>${escapeHtml(system)}, ${escapeHtml(name)}: ${escapeHtml(problem)}</li>`,
  );
  return `<h2>What failed</h2>\n<ul>${items.join('\n')}</ul>`;
}
