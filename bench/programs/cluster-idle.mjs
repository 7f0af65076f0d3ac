/** A head and three nodes with nothing to do, and a driver that waits: their CPU time, and how their memory changes. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCluster } from '../../dist/testing/index.js';
import { check, parameters, report } from '../lib/child.mjs';
import { get, init, remote, shutdown } from '../lib/mobula.mjs';

const { seconds = 600, settleSeconds = 20 } = parameters;
const MIB = 2 ** 20;
const PAGE = 4096;

const cluster = await startCluster({ nodes: [{ numCpus: 1 }, { numCpus: 1 }, { numCpus: 1 }] });
await init({ address: cluster.address });
const square = remote((n) => n * n);
check((await get(Array.from({ length: 300 }, (_, n) => square.remote(n)))).length === 300, 'tasks did not run');

/** This process, and all that it has started. */
function processes(pid = process.pid) {
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

await sleep(1_000 * settleSeconds);
const pids = processes();
check(pids.length >= 6, `${pids.length} processes`);
const before = pids.map(use);
await sleep(1_000 * seconds);
check(processes().length === pids.length, 'a process has ended or come');
const after = pids.map(use);
const largest = (of) => Math.max(...pids.map((_, i) => of(before[i], after[i])));
report({
  cpuPercent: largest((one, other) => (100 * (other.cpu - one.cpu)) / seconds),
  grownMib: largest((one, other) => other.mib - one.mib),
});
await shutdown();
await cluster.stop();
