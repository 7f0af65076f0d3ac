/** Charts as SVG inside the page: colours come from its style sheet, and every bar says its value as text. */
import { escapeHtml } from './html.mjs';

const WIDTH = 760;
const LABELS = 290;
const VALUES = 96;
const ROW = 26;
const BAR = 16;
const AXIS = 24;

const at = (value) => value.toFixed(1);

/** `rows` of `{ label, value, text, tone }` on a logarithmic axis from 1, with a line at `mark`. */
export function logBars({ title, rows, mark }) {
  const most = Math.max(mark, ...rows.map(({ value }) => value));
  const decades = Math.ceil(Math.log10(most));
  const x = (value) => LABELS + ((WIDTH - LABELS - VALUES) * Math.log10(Math.max(1, value))) / decades;
  const height = rows.length * ROW + AXIS;
  const ticks = Array.from({ length: decades + 1 }, (_, power) => 10 ** power);
  return figure(title, height, [
    ...ticks.map((tick) => gridLine(x(tick), height, `${tick} ×`, tick === mark ? 'mark' : 'grid')),
    ...rows.flatMap(({ label, value, text, tone }, i) =>
      bar({ top: i * ROW, label, from: x(1), to: x(value), text, tone }),
    ),
  ]);
}

/** `rows` of `{ label, value, text, tone }` on an axis from 0 to the largest. */
export function bars({ title, rows }) {
  const most = Math.max(...rows.map(({ value }) => value));
  const left = 150;
  const x = (value) => left + ((WIDTH - left - VALUES - 60) * value) / most;
  return figure(
    title,
    rows.length * ROW,
    rows.flatMap(({ label, value, text, tone }, i) =>
      bar({ top: i * ROW, label, from: left, to: x(value), text, tone, left }),
    ),
  );
}

/** `rows` of `{ label, points: [p50, p99, p99.9], text, tone }` on a logarithmic axis of microseconds. */
export function spans({ title, rows }) {
  const all = rows.flatMap(({ points }) => points);
  const low = Math.floor(Math.log10(Math.min(...all)));
  const high = Math.ceil(Math.log10(Math.max(...all)));
  const left = 150;
  const right = WIDTH - 250;
  const x = (value) => left + ((right - left) * (Math.log10(value) - low)) / (high - low);
  const height = rows.length * ROW + AXIS;
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  return figure(title, height, [
    ...ticks.map((tick) => gridLine(x(tick), height, tick < 1000 ? `${tick} µs` : `${tick / 1000} ms`, 'grid')),
    ...rows.flatMap(({ label, points, text, tone }, i) => {
      const middle = i * ROW + ROW / 2;
      const [first, , last] = points;
      return [
        textAt(left - 10, middle, label, 'end'),
        `<line class="span ${tone}" x1="${at(x(first))}" x2="${at(x(last))}" y1="${middle}" y2="${middle}"/>`,
        ...points.map((point, k) => {
          const radius = [6, 4.5, 3][k];
          return `<circle class="${tone}" cx="${at(x(point))}" cy="${middle}" r="${radius}"/>`;
        }),
        textAt(right + 14, middle, text, 'start', 'value'),
      ];
    }),
  ]);
}

function figure(title, height, parts) {
  return `<svg role="img" aria-label="${escapeHtml(title)}" viewBox="0 0 ${WIDTH} ${height}">\n${parts.join('\n')}\n</svg>`;
}

function bar({ top, label, from, to, text, tone, left = LABELS }) {
  const middle = top + ROW / 2;
  const width = Math.max(1.5, to - from);
  return [
    textAt(left - 10, middle, label, 'end'),
    `<rect class="${tone}" x="${at(from)}" y="${middle - BAR / 2}" width="${at(width)}" height="${BAR}" rx="2"/>`,
    textAt(from + width + 8, middle, text, 'start', 'value'),
  ];
}

function textAt(x, y, text, anchor, kind = 'label') {
  return `<text class="${kind}" x="${at(x)}" y="${y}" text-anchor="${anchor}" dominant-baseline="central">${escapeHtml(text)}</text>`;
}

function gridLine(x, height, label, kind) {
  const bottom = height - AXIS;
  return [
    `<line class="${kind}" x1="${at(x)}" x2="${at(x)}" y1="0" y2="${bottom}"/>`,
    `<text class="tick" x="${at(x)}" y="${bottom + 16}" text-anchor="middle">${escapeHtml(label)}</text>`,
  ].join('');
}
