import type { Report } from './report.ts';

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** A size as people read it: `7.1 GiB`. */
export function bytes(size: number): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, size)) / 10)));
  return `${power === 0 ? size : (size / 1024 ** power).toFixed(1)} ${UNITS[power]}`;
}

/** Lines with their names in a column; what spans several lines is indented below it. */
function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.map(([name, text]) => name.padEnd(width) + text.replaceAll('\n', `\n${' '.repeat(width)}`)).join('\n');
}

function cores({ machine, usable, quota }: Report['cores']): string {
  if (usable === null) return `${machine} in the machine`;
  return `${usable} of ${machine} usable${quota === null ? ', no quota' : `, quota ${quota}`}`;
}

function memory({ machine, limit, objectStore }: Report['memory']): string {
  if (limit === null || objectStore === null) return `${bytes(machine)} in the machine`;
  return `${bytes(limit)} of ${bytes(machine)} usable; the object store takes up to ${bytes(objectStore)} by default`;
}

/** The report for people. */
export function render(report: Report): string {
  const { mobula, node, system, spill, binary, checks, ok } = report;
  const facts = columns([
    ['mobula', mobula],
    ['node', `${node.version}, ${node.path}`],
    ['system', [system.platform, system.libc, system.kernel].filter((part) => part !== null).join(', ')],
    ['cores', cores(report.cores)],
    ['memory', memory(report.memory)],
    ['spill', `${spill.directory}${spill.free === null ? '' : `, ${bytes(spill.free)} free`}`],
    ['binary', binary === null ? 'none' : `${binary.path} (${binary.source})`],
  ]);
  const results = columns(checks.map(({ name, status, message }) => [`${status.padEnd(7)}  ${name}`, message]));
  return `${facts}\n\n${results}\n\n${ok ? 'mobula works on this machine.' : 'mobula does not work on this machine yet.'}`;
}
