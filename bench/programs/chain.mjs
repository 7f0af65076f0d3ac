/** Tasks on one machine, each with the result of the one before as its argument. */
import { parameters, report } from '../lib/child.mjs';
import { timeChain } from '../lib/dependent.mjs';
import { get, init, remote, shutdown } from '../lib/mobula.mjs';

const { dependent = 10_000 } = parameters;
await init({ numCpus: 1 });
const next = remote((n) => n + 1);

await timeChain(get, next, dependent);
report({ chainUs: await timeChain(get, next, dependent) });
await shutdown();
