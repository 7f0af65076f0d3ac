/** The results as Markdown. */
import * as format from './format.mjs';
import { ASKED, bestPool, problems, ratios, shortfalls } from './ratios.mjs';
import { BARE, MOBULA, RAY } from './systems.mjs';

/** `machine` in one line. */
export function whereAndWhen({ machine, versions, quick }) {
  const { cpu, cores, memoryGiB, node, date } = machine;
  const ray = versions.ray === undefined ? 'without Ray' : `Ray ${versions.ray}`;
  const careful = quick ? ' Measured so briefly that the figures say little.' : '';
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB; Node ${node}, mobula ${versions.mobula}, ${ray}; ${date.slice(0, 10)}.${careful}`;
}

export function toMarkdown(results) {
  const { cases } = results;
  return [
    whereAndWhen(results),
    '',
    ...rateTable(cases),
    '',
    ...roundTripTable(cases),
    ...shortfallLines(cases),
    ...problems(cases).map(({ name, system, problem }) => `\n${system}, ${name}: ${problem}`),
    '',
  ].join('\n');
}

function table(head, rows) {
  const align = head.map((_, i) => (i === 0 ? '---' : '---:'));
  return [head, align, ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

function rateTable(cases) {
  const head = ['per second', MOBULA, RAY, '÷ Ray', BARE, '÷', 'best pool', '÷'];
  return table(
    head,
    cases.map(({ name, unit, systems }) => {
      const pool = bestPool(systems);
      const { ray, bare, pool: overPool } = ratios(systems);
      const below = ray !== undefined && ray < ASKED ? ` (below ${ASKED})` : '';
      return [
        `${name} (${unit})`,
        rateCell(systems[MOBULA]),
        rateCell(systems[RAY]),
        `${format.times(ray)}${below}`,
        rateCell(systems[BARE]),
        format.times(bare),
        pool === undefined ? '–' : `${format.number(pool.rate)} ${pool.name}`,
        format.times(overPool),
      ];
    }),
  );
}

function rateCell(measured) {
  if (measured === undefined) return '–';
  return measured.rate === undefined ? 'failed' : format.rate(measured.rate);
}

function roundTripTable(cases) {
  const rows = cases.flatMap(({ name, systems }) =>
    Object.entries(systems).flatMap(([system, { roundTrips }]) =>
      roundTrips === undefined
        ? []
        : [[name, system, ...[roundTrips.p50, roundTrips.p99, roundTrips.p999].map((value) => format.number(value))]],
    ),
  );
  return rows.length === 0 ? [] : table(['round trip, µs', 'system', 'p50', 'p99', 'p99.9'], rows);
}

function shortfallLines(cases) {
  const measured = cases.filter(({ systems }) => ratios(systems).ray !== undefined);
  if (measured.length === 0) return ['', 'Ray was not measured.'];
  const below = shortfalls(cases);
  if (below.length === 0) return ['', `Every case that Ray was measured in is at least ${ASKED} times as fast.`];
  return [
    '',
    `Below ${ASKED} × Ray:`,
    '',
    ...below.map(({ name, ratio, reason }) => `- ${name}, ${format.times(ratio)}: ${reason ?? 'no reason is known'}.`),
  ];
}
