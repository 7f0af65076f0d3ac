/** Ray itself, from the Python registry, in an environment of its own: installed, tried, and measured. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runToEnd } from './process.mjs';

const folder = fileURLToPath(new URL('../compare/', import.meta.url));
const environment = `${folder}.venv`;
const python = `${environment}/bin/python`;
const requirements = `${folder}ray/requirements.txt`;
const program = `${folder}ray/cases.py`;
const INSTALL_MS = 600_000;
/** Newest last among those that Ray has been seen to install on. */
const PYTHONS = ['python3.13', 'python3.12', 'python3.11', 'python3'];

export const rayVersion = /^ray\S*==(\S+)$/m.exec(readFileSync(requirements, 'utf8'))?.[1];

/** Installs the pinned Ray unless it is there, and starts it once. Gives why it cannot be measured, or undefined. */
export async function prepareRay() {
  return (await install()) ?? (await start());
}

async function install() {
  if (await installed()) return undefined;
  console.log(`Installing Ray ${rayVersion} into bench/compare/.venv …`);
  rmSync(environment, { recursive: true, force: true });
  let problem = 'there is no Python 3';
  for (const command of PYTHONS) {
    const made = await runToEnd(command, ['-m', 'venv', environment]);
    if (made.code === null) continue;
    if (made.problem !== undefined) {
      problem = `${command} makes no virtual environment (${made.problem})`;
      continue;
    }
    const flags = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements];
    const result = await runToEnd(python, flags, { limitMs: INSTALL_MS });
    if (result.problem === undefined) return undefined;
    problem = `${command} cannot install it (${result.problem})`;
  }
  rmSync(environment, { recursive: true, force: true });
  return problem;
}

async function installed() {
  if (!existsSync(python)) return false;
  const { output } = await runToEnd(python, ['-c', 'import ray; print(ray.__version__)']);
  return output.trim() === rayVersion;
}

async function start() {
  const { problem } = await runCase({ probe: true });
  return problem === undefined ? undefined : `it does not start (${problem})`;
}

/** Measures one case: `{ result }` or `{ problem }`. */
export async function measureRay(name, quick) {
  const { output, problem } = await runCase({ name, quick });
  const line = output.split('\n').findLast((text) => text.startsWith('{'));
  if (line === undefined) return { problem: problem ?? 'no result' };
  return { result: JSON.parse(line) };
}

/** What it writes lands in a folder that is gone afterwards, its token and its logs included. */
async function runCase(parameters) {
  // Short: its sockets lie in it, and their names may have 107 characters.
  const home = mkdtempSync(join(tmpdir(), 'mr-'));
  const wanted = { ...parameters, cpus: availableParallelism(), folder: join(home, 'r') };
  const env = { HOME: home, RAY_USAGE_STATS_ENABLED: '0' };
  try {
    return await runToEnd(python, [program, JSON.stringify(wanted)], { env });
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 10 });
  }
}
