/** A head and three nodes with nothing to do, and a driver that waits: their CPU time, and how their memory grows from one half of the time to the other. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCluster } from '../../dist/testing/index.js';
import { check, parameters, report } from '../lib/child.mjs';
import { get, init, remote, shutdown } from '../lib/mobula.mjs';

const { drives = false, seconds = 600, settleSeconds = 20 } = parameters;
const MIB = 2 ** 20;
const PAGE = 4096;
const SAMPLE_SECONDS = 10;

/** The driver: a process of its own, as what measures takes memory, too. */
async function drive() {
  const cluster = await startCluster({ nodes: [{ numCpus: 1 }, { numCpus: 1 }, { numCpus: 1 }] });
  await init({ address: cluster.address });
  const square = remote((n) => n * n);
  check((await get(Array.from({ length: 300 }, (_, n) => square.remote(n)))).length === 300, 'tasks did not run');
  process.send('ready');
  await once(process, 'disconnect');
  await shutdown();
  await cluster.stop();
}

/** A process, and all that it has started. */
function processes(pid) {
  const started = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return [pid, ...started.flatMap((child) => processes(Number(child)))];
}

/** Seconds of CPU, and MiB in memory. */
function use(pid) {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const cpu = tasks.map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]));
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return { cpu: cpu.reduce((sum, each) => sum + each, 0) / 1e9, mib: (pages * PAGE) / MIB };
}

async function measure() {
  const driver = fork(import.meta.filename, [JSON.stringify({ drives: true })]);
  await once(driver, 'message');
  await sleep(1_000 * settleSeconds);
  const pids = processes(driver.pid);
  check(pids.length >= 6, `${pids.length} processes`);
  const samples = pids.map((pid) => [use(pid)]);
  for (let passed = 0; passed < seconds; passed += SAMPLE_SECONDS) {
    await sleep(1_000 * SAMPLE_SECONDS);
    for (const [i, pid] of pids.entries()) samples[i].push(use(pid));
  }
  check(processes(driver.pid).length === pids.length, 'a process has ended or come');
  // What a garbage collector has not collected yet comes and goes: the most of one half is compared with the most of the other.
  const most = (part) => Math.max(...part.map(({ mib }) => mib));
  const grown = (of) => most(of.slice(of.length >> 1)) - most(of.slice(0, of.length >> 1));
  report({
    cpuPercent: Math.max(...samples.map((of) => (100 * (of.at(-1).cpu - of[0].cpu)) / seconds)),
    grownMib: Math.max(...samples.map(grown)),
  });
  driver.disconnect();
  const [code] = await once(driver, 'exit');
  check(code === 0, `the driver ended with ${code}`);
}

await (drives ? drive() : measure());
