/** Tasks from a driver without CPUs to the nodes of a cluster of processes: many outstanding, and one at a time. */
import { readdirSync, readFileSync } from 'node:fs';
import { startCluster } from '../../dist/testing/index.js';
import { check, parameters, report } from '../lib/child.mjs';
import { timeChain } from '../lib/dependent.mjs';
import { get, init, remote, shutdown } from '../lib/mobula.mjs';
import { median, percentile } from '../lib/stats.mjs';

const { outstanding = 10_000, rounds = 15, calls = 5000, warmUp = 2000, dependent = 10_000 } = parameters;

const cluster = await startCluster({ nodes: [{ numCpus: 1 }] });
await init({ address: cluster.address });
const noop = remote(() => undefined);
const next = remote((n) => n + 1);

async function many(count) {
  const refs = Array.from({ length: count }, () => noop.remote());
  for (const value of await Promise.all(refs.map((ref) => get(ref))))
    check(value === undefined, `a task gave ${value}`);
}

/** Nanoseconds that a process has had a CPU, and how often one of its threads has slept. */
function use(pid) {
  const sum = (of) => readdirSync(`/proc/${pid}/task`).reduce((all, task) => all + of(`/proc/${pid}/task/${task}`), 0);
  return {
    cpu: sum((task) => Number(readFileSync(`${task}/schedstat`, 'utf8').split(' ')[0])),
    sleeps: sum((task) => Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`${task}/status`, 'utf8'))[1])),
  };
}

for (let round = 0; round < 8; round += 1) await many(outstanding);
const node = cluster.nodes[0].pid;
const pids = [process.pid, node];
const before = pids.map(use);
const times = [];
for (let round = 0; round < rounds; round += 1) {
  const started = performance.now();
  await many(outstanding);
  times.push(performance.now() - started);
}
const after = pids.map(use);
const tasks = rounds * outstanding;
const [driverUs, nodeUs] = after.map(({ cpu }, i) => (cpu - before[i].cpu) / 1000 / tasks);
const wakes = after.reduce((sum, { sleeps }, i) => sum + sleeps - before[i].sleeps, 0) / tasks;

for (let n = 0; n < warmUp; n += 1) await get(noop.remote());
const latencies = new Float64Array(calls);
for (let n = 0; n < calls; n += 1) {
  const started = performance.now();
  await get(noop.remote());
  latencies[n] = 1000 * (performance.now() - started);
}

// The first one warms up, as in `chain.mjs`.
await timeChain(get, next, dependent);
const chainUs = await timeChain(get, next, dependent);

const rate = (1000 * outstanding) / median(times);
report({ rate, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99), chainUs, driverUs, nodeUs, wakes });
await shutdown();
await cluster.stop();
