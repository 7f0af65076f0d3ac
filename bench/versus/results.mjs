/** What has been measured, in `bench/results/compare.json`. A run with a filter adds to what is there. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const folder = fileURLToPath(new URL('../results/', import.meta.url));
const file = `${folder}compare.json`;

/**
 * `{ machine, versions, quick, cases: [{ name, unit, systems: { [name]: { rate, roundTrips?, problem? } } }] }`,
 * cases in Ray's order.
 */
export function emptyResults(machine, versions, quick) {
  return { machine, versions, quick, cases: [] };
}

/** The results of the last run if they were measured like these will be; otherwise none. */
export function earlierResults(machine, versions, quick) {
  if (!existsSync(file)) return emptyResults(machine, versions, quick);
  const earlier = JSON.parse(readFileSync(file, 'utf8'));
  const same =
    earlier.quick === quick &&
    ['cpu', 'cores', 'node'].every((key) => earlier.machine[key] === machine[key]) &&
    JSON.stringify(earlier.versions) === JSON.stringify(versions);
  return same ? { ...earlier, machine } : emptyResults(machine, versions, quick);
}

/** Puts a case in place of an earlier measurement of it. */
export function withCase(results, measured, order) {
  const others = results.cases.filter(({ name }) => name !== measured.name);
  const cases = [...others, measured].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  return { ...results, cases };
}

/** Writes a file of results and gives its path. */
export function write(name, text) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(folder + name, text);
  return `bench/results/${name}`;
}
