/** Prints cases and figures as text that is easy to read and to quote. */
import { median } from './stats.mjs';

/** One table per case: a line per config; for each metric the median, and the lowest and the highest run. */
export function printMeasures({ metrics, configs }, measures) {
  const header = ['', ...metrics.flatMap(({ name }) => [name, 'min … max']), 'runs'];
  const rows = configs.map(({ label }) => [
    label,
    ...metrics.flatMap(({ key }) => spreadCells(measures.samples(label, key))),
    String(measures.samples(label, metrics[0].key).length),
  ]);
  printColumns([header, ...rows], { indent: '  ' });
  for (const { label } of configs) {
    const problems = measures.problems(label);
    if (problems.length > 0) console.log(`  ! ${label}: ${problems.length} bad: ${problems[0]}`);
  }
}

/** The lines a case is judged by. */
export function printFigures(figures) {
  printColumns(figures.map(figureCells), { indent: '  → ' });
}

/** All figures of all cases that have a bound, one line each. */
export function printSummary(results) {
  const rows = results.flatMap(({ name, figures }) =>
    figures.filter(({ bound }) => bound !== undefined).map((figure) => [name, ...figureCells(figure)]),
  );
  printColumns([['case', 'figure', 'measured', 'asked', ''], ...rows], { left: 2 });
  const missed = rows.filter((row) => row.at(-1) !== 'met').length;
  console.log(`\n${rows.length - missed} of ${rows.length} figures met`);
}

/** A line per row: this build against another, and the other against itself, each with its 95 % interval. */
export function printChanges(rows) {
  const cells = ({ ratio, low, high }) => [`${ratio.toFixed(3)} ×`, `${low.toFixed(3)} … ${high.toFixed(3)}`];
  const lines = rows.map(({ row, change, itself }) => [row, ...cells(change), ...cells(itself), String(change.pairs)]);
  printColumns([['', 'new ÷ old', '95 %', 'old ÷ old', '95 %', 'turns'], ...lines], { indent: '  ' });
  for (const { row, problems } of rows) if (problems.length > 0) console.log(`  ! ${row}: ${problems[0]}`);
}

/** Three significant digits; thousands apart. */
export function formatNumber(value) {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en').replaceAll(',', ' ');
  return String(Number(value.toPrecision(3)));
}

function figureCells({ what, value, unit, target, met }) {
  const measured = Number.isNaN(value) ? 'no result' : `${formatNumber(value)} ${unit}`;
  const verdict = met === undefined ? '' : met ? 'met' : 'NOT MET';
  return [what, measured, target, verdict];
}

function spreadCells(samples) {
  if (samples.length === 0) return ['-', '-'];
  const [low, high] = [Math.min(...samples), Math.max(...samples)];
  return [formatNumber(median(samples)), `${formatNumber(low)} … ${formatNumber(high)}`];
}

/** The first `left` columns and the last one start at one line, the others end at one. */
function printColumns(rows, { indent = '', left = 1 }) {
  const columns = rows[0] ?? [];
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => row[at].length)));
  for (const row of rows) {
    const cells = row.map((cell, at) =>
      at < left || at === row.length - 1 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]),
    );
    console.log(`${indent}${cells.join('   ')}`.trimEnd());
  }
}
