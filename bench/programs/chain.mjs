/** Tasks on one machine, each with the result of the one before as its argument. */
import { check, parameters, report } from '../lib/child.mjs';
import { get, init, remote, shutdown } from '../lib/mobula.mjs';

const { dependent = 10_000 } = parameters;
await init({ numCpus: 1 });
const next = remote((n) => n + 1);

async function chain() {
  let last = next.remote(0);
  const began = performance.now();
  for (let n = 1; n < dependent; n += 1) last = next.remote(last);
  check((await get(last)) === dependent, 'the chain is broken');
  return (1000 * (performance.now() - began)) / dependent;
}

await chain();
report({ chainUs: await chain() });
await shutdown();
