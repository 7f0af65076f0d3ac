// `npm run poison`: a task that ends every worker it touches, among ten thousand that do no harm.
import { parseArgs } from 'node:util';
import { init, remote, shutdown } from 'mobula';
import { assertBack, footprint } from '../support/baseline.ts';
import { Ledger } from '../support/ledger.ts';
import { assertQuiet } from '../support/suite.ts';
import { Workers } from '../support/workers.ts';

const { values: given } = parseArgs({ options: { tasks: { type: 'string', default: '10000' } } });
const tasks = Number(given.tasks);

const double = remote((n: number) => n * 2);
const poison = remote(() => process.exit(9));

const before = footprint();
const workers = new Workers();
await init({ numCpus: 2, objectStoreMemory: '32MiB' });
const [good, bad] = [new Ledger(), new Ledger()];
for (let i = 0; i < tasks; i++) {
  if (i === tasks >> 1) bad.failure(poison.remote(), 'ERR_MOBULA_WORKER_DIED', 'the poison');
  good.value(double.remote(i), i * 2);
}
const { right, lost, wrong, hanging } = await good.settle(60_000);
const poisoned = await bad.settle(60_000);
await assertQuiet();
const lostWorkers = workers.started - workers.live.length;
workers.stop();
await shutdown();
await assertBack(before);
console.log(
  `poison node=${process.versions.node} tasks=${tasks} right=${right} lost=${lost} wrong=${wrong} hanging=${hanging} workers_lost=${lostWorkers} typed_error=${poisoned.right}`,
);
for (const problem of [...good.problems, ...bad.problems]) console.log(problem);
if (right !== tasks || poisoned.right !== 1 || lostWorkers > 3) process.exitCode = 1;
