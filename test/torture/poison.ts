// `npm run poison`: a task that ends every worker it touches, among ten thousand that do no harm.
import { parseArgs } from 'node:util';
import { init, remote, shutdown } from 'mobula';
import { assertBack, footprint } from '../support/baseline.ts';
import { Ledger } from '../support/ledger.ts';
import { assertQuiet } from '../support/suite.ts';

const { values: given } = parseArgs({ options: { tasks: { type: 'string', default: '10000' } } });
const tasks = Number(given.tasks);

const double = remote((n: number) => n * 2);
const poison = remote((ended: Int32Array) => {
  Atomics.add(ended, 0, 1);
  process.exit(9);
});

const before = footprint();
await init({ numCpus: 2, objectStoreMemory: '32MiB' });
const [good, bad] = [new Ledger(), new Ledger()];
const ended = new Int32Array(new SharedArrayBuffer(4));
for (let i = 0; i < tasks; i++) {
  if (i === tasks >> 1) bad.failure(poison.remote(ended), 'ERR_MOBULA_WORKER_DIED', 'the poison');
  good.value(double.remote(i), i * 2);
}
const { right, lost, wrong, hanging } = await good.settle(60_000);
const poisoned = await bad.settle(60_000);
await assertQuiet();
await shutdown();
await assertBack(before);
console.log(
  `poison node=${process.versions.node} tasks=${tasks} right=${right} lost=${lost} wrong=${wrong} hanging=${hanging} workers_lost=${ended[0]} typed_error=${poisoned.right}`,
);
for (const problem of [...good.problems, ...bad.problems]) console.log(problem);
if (right !== tasks || poisoned.right !== 1 || (ended[0] as number) > 3) process.exitCode = 1;
