/** The same with bare workers, which talk through message channels of their own. */
import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';
import { parameters, report } from '../lib/child.mjs';
import { median } from '../lib/stats.mjs';

const { pairs, rounds, outstanding, repeats, layout } = parameters;
const channels = Array.from({ length: pairs }, () => new MessageChannel());
const file = new URL('../compare/bare-peer.mjs', import.meta.url);

function start(ports) {
  return new Worker(file, { workerData: ports, transferList: Object.values(ports) });
}

// 'crossed': as many workers as pairs, each holding an object and calling its neighbour's. 'apart': twice as many.
const callers = channels.map(({ port1 }, pair) =>
  start(layout === 'crossed' ? { called: port1, served: channels[(pair + 1) % pairs].port2 } : { called: port1 }),
);
const objects = layout === 'crossed' ? [] : channels.map(({ port2 }) => start({ served: port2 }));

async function timeAll() {
  const started = performance.now();
  for (const caller of callers) caller.postMessage({ rounds, outstanding });
  await Promise.all(callers.map((caller) => once(caller, 'message')));
  return performance.now() - started;
}

await timeAll();
const times = [];
for (let repeat = 0; repeat < repeats; repeat += 1) times.push(await timeAll());
report({ rate: (1000 * pairs * rounds * outstanding) / median(times) });
for (const worker of [...callers, ...objects]) worker.terminate();
