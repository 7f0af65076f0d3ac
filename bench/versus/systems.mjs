/** Who is measured, and how: each gives `{ result: { rate, roundTrips? } }` or `{ problem }` for a case. */
import { fileURLToPath } from 'node:url';
import { bareCases } from './bare-cases.mjs';
import { poolCases } from './pool-cases.mjs';
import { runToEnd } from './process.mjs';
import { measureRay } from './ray.mjs';

const command = fileURLToPath(new URL('../../dist/bin/mobula.js', import.meta.url));
const program = fileURLToPath(new URL('program.mjs', import.meta.url));

export const MOBULA = 'mobula';
export const RAY = 'Ray';
export const BARE = 'worker_threads';
export const POOL_NAMES = Object.keys(poolCases);

/** mobula is measured as its users measure it. */
async function measureMobula(name, quick) {
  const args = [command, 'microbenchmark', '--json', '--filter', name, ...(quick ? ['--quick'] : [])];
  const { output, problem } = await runToEnd(process.execPath, args);
  if (!output.startsWith('{')) return { problem };
  const [result] = JSON.parse(output).results;
  return result.rate === undefined ? { problem: result.error } : { result };
}

async function measureHere(system, name, quick) {
  const { output, problem } = await runToEnd(process.execPath, [program, JSON.stringify({ system, name, quick })]);
  const line = output.split('\n').findLast((text) => text.startsWith('{'));
  return line === undefined ? { problem } : { result: JSON.parse(line) };
}

/** The systems that have a case, in the order in which they take turns. */
export function systemsFor(name, withRay) {
  const here = [...(name in bareCases ? [BARE] : []), ...POOL_NAMES.filter((pool) => name in poolCases[pool])].map(
    (system) => ({ system, measure: (quick) => measureHere(system, name, quick) }),
  );
  return [
    { system: MOBULA, measure: (quick) => measureMobula(name, quick) },
    ...(withRay ? [{ system: RAY, measure: (quick) => measureRay(name, quick) }] : []),
    ...here,
  ];
}
