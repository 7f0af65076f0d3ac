// Every point of the core, armed in turn with everything that can happen there: `npm run test:failpoints`.
// `--seed N` chooses at which hit; `--sample N` takes that many points of each action instead of all; `--only PREFIX`
// and `--action NAME` take a part.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Action, Point } from './seam.ts';

const LEAST_POINTS = 60;
/**
 * Reached only on a file system that has no files without names; and where V8 does not let go of views by itself, or has not
 * been asked for any (`native/src/v8.rs`), which `crates/mobula-store/tests/store/lifecycle.rs` tests. The last five are reached
 * only where a module fails to load, which `crates/mobula-sched/tests/panics/main.rs` tests.
 */
const ELSEWHERE: ReadonlySet<string> = new Set([
  'spill.open.named',
  'store.release_env.before',
  'store.release_env.taken',
  'task.hand_back',
  'actor.place_anew',
  'actor.moved',
  'take.stop',
  'take.stopped',
  'actor.call_back',
]);
/** Reached only on nodes of a cluster, of which this workload is none. */
const IN_A_CLUSTER = /^(forward|follow|crew|away|lineage)\./;
/** Reached only where nodes copy objects from one another, which `crates/mobula-net/tests/faults.rs` tests. */
const BETWEEN_NODES = /^(net|store\.receive)\./;
/** Reached only by a hang: a process that runs many points tells of each when it is through. */
const LIMIT_MS = 120_000;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    sample: { type: 'string' },
    only: { type: 'string' },
    action: { type: 'string' },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'mobula-failpoints-'));
const failures: string[] = [];

/** A generator that gives the same numbers for the same seed. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}
const next = random(Number(values.seed));

interface Ended {
  readonly output: string;
  readonly errors: string;
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
}

async function run(action: Action | 'count', targets: readonly string[]): Promise<Ended> {
  const file = fileURLToPath(new URL('./run.js', import.meta.url));
  const child = spawn(process.execPath, [file, action, folder, ...targets], { stdio: ['ignore', 'pipe', 'pipe'] });
  const hangs = setTimeout(() => child.kill('SIGABRT'), LIMIT_MS);
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    hangs.refresh();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(hangs);
  return { output, errors, signal, code };
}

/** At which hit a point is armed: not later than half of those that were counted, as no two runs are the same. */
function target(point: Point, hits: number): string {
  const hit = 1 + Math.floor(next() * Math.min(hits / 2, 64));
  return `${point.name}:${hit}${point.early === true ? ':early' : ''}`;
}

function failed(action: string, at: string, { errors, signal, code }: Ended): void {
  failures.push(`${action} ${at}`);
  console.error(`FAILED ${action} ${at} (code ${code}, signal ${signal})\n${errors.trimEnd()}`);
}

/** Runs points one after the other in one process; after one that failed, the others go on in another. */
async function together(action: Action, targets: readonly string[]): Promise<void> {
  for (let from = 0; from < targets.length; ) {
    const ended = await run(action, targets.slice(from));
    const done = ended.output.split('\n').filter((line) => line !== '').length;
    from += done;
    if (ended.code === 0 && from === targets.length) return;
    failed(action, targets[from++] ?? 'the end', ended);
  }
}

/** The process dies at the point; what it left is gone once the next has started, which `run.js` checks. */
async function killed(at: string): Promise<void> {
  const ended = await run('kill', [at]);
  if (ended.signal !== 'SIGKILL') failed('kill', at, ended);
  const shared = readdirSync('/dev/shm').filter((name) => name.includes('mobula'));
  if (shared.length > 0) failed('kill', `${at} leaves ${shared.join()}`, ended);
}

function some<T>(all: readonly T[]): readonly T[] {
  const count = values.sample === undefined ? all.length : Number(values.sample);
  const keyed = all.map((item) => ({ item, key: next() })).sort((a, b) => a.key - b.key);
  return keyed.slice(0, count).map(({ item }) => item);
}

async function sweep(): Promise<void> {
  const counted = await run('count', []);
  if (counted.code !== 0) {
    failed('count', 'all', counted);
    return;
  }
  const points = (JSON.parse(counted.output) as Point[]).filter(
    ({ name }) =>
      !ELSEWHERE.has(name) &&
      !BETWEEN_NODES.test(name) &&
      !IN_A_CLUSTER.test(name) &&
      (values.only === undefined || name.startsWith(values.only)),
  );
  for (const { name, all } of points) if (all === 0) failed('count', `${name} is never reached`, counted);
  const reached = points.filter(({ all }) => all > 0);
  const plans: [Action, readonly string[]][] = [
    ['error', some(reached.filter(({ fails }) => fails)).map((point) => target(point, point.all))],
    ['stop', some(reached.filter(({ workers }) => workers > 1)).map((point) => target(point, point.workers))],
    [
      'delay',
      some(reached.filter(({ name }) => !name.startsWith('spill.remove'))).map((point) => target(point, point.all)),
    ],
    ['kill', some(reached).map((point) => target(point, point.all))],
  ];
  for (const [action, targets] of plans) {
    if (values.action !== undefined && values.action !== action) continue;
    const before = failures.length;
    if (action === 'kill') for (const at of targets) await killed(at);
    else await together(action, targets);
    console.log(`${action}: ${targets.length - (failures.length - before)} of ${targets.length} points`);
  }
  // Whoever was killed last.
  const last = await run('count', []);
  if (last.code !== 0) failed('count', 'after the last kill', last);
  const bad = new Set(failures.map((failure) => failure.split(/[ :]/)[1]));
  const good = points.filter(({ name }) => !bad.has(name)).length;
  const whole = values.sample === undefined && values.action === undefined;
  console.log(`failpoints ${whole ? `${good} of ${points.length}` : 'in part'} (seed ${values.seed})`);
  if (values.only === undefined && points.length < LEAST_POINTS) failures.push('too few points');
}

try {
  await sweep();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failures.length === 0 ? 0 : 1;
