/** Calls per second of pools of child processes, with a number of calls outstanding. */
import { fileURLToPath } from 'node:url';
import { parameters, report } from '../lib/child.mjs';
import { median } from '../lib/stats.mjs';

const fileOf = (name) => fileURLToPath(new URL(`../compare/workers/${name}.mjs`, import.meta.url));
const from = (name) => import(new URL(`../compare/node_modules/${name}`, import.meta.url).href);

const pools = {
  async tinypool() {
    const { Tinypool } = await from('tinypool/dist/index.js');
    const pool = new Tinypool({
      runtime: 'child_process',
      filename: fileOf('module'),
      name: 'noop',
      minThreads: 1,
      maxThreads: 1,
      concurrentTasksPerWorker: 64,
    });
    return { call: () => pool.run(undefined), close: () => pool.destroy() };
  },
  async workerpool() {
    const { default: workerpool } = await from('workerpool/src/index.js');
    const pool = workerpool.pool(fileOf('workerpool'), { minWorkers: 1, maxWorkers: 1, workerType: 'process' });
    return { call: () => pool.exec('noop', []), close: () => pool.terminate(true) };
  },
};

const { system, outstanding = 10_000, rounds = 7 } = parameters;
const pool = await pools[system]();
const many = () => Promise.all(Array.from({ length: outstanding }, () => pool.call()));
await many();
const times = [];
for (let round = 0; round < rounds; round += 1) {
  const started = performance.now();
  await many();
  times.push(performance.now() - started);
}
report({ rate: (1000 * outstanding) / median(times) });
await pool.close();
process.exit();
