/** Resident memory of a process whose workers have each run something and are idle now. */
import { BareWorkers } from '../compare/bare.mjs';
import { parameters, report } from '../lib/child.mjs';
import { residentBytes } from '../lib/memory.mjs';

const MIB = 2 ** 20;
const { system, workers } = parameters;
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const { runOnAll, close } = system === 'mobula' ? await openMobula() : openBare();

async function openMobula() {
  const { get, init, remote, shutdown } = await import('../lib/mobula.mjs');
  await init({ numCpus: workers });
  // Long enough for every worker to get one.
  const hold = remote(async function hold() {
    await new Promise((resolve) => setTimeout(resolve, 300));
  });
  return { runOnAll: () => get(Array.from({ length: workers }, () => hold.remote())), close: shutdown };
}

function openBare() {
  const bare = new BareWorkers(workers, { body: 'noop' });
  const runOnAll = () => Promise.all(Array.from({ length: workers }, () => bare.call()));
  return { runOnAll, close: () => bare.close() };
}

await runOnAll();
await sleep(1500);
report({ mib: residentBytes() / MIB });
await close();
