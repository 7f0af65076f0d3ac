/** The floor: one message there and back, without call numbers and promises. */
import { Worker } from 'node:worker_threads';
import { parameters, report } from '../lib/child.mjs';
import { percentile } from '../lib/stats.mjs';

const { calls, warmUp } = parameters;
const worker = new Worker(new URL('../compare/bare-echo.mjs', import.meta.url));
const times = new Float64Array(calls);
let round = -warmUp;
let started = 0;

function ping() {
  started = performance.now();
  worker.postMessage(1);
}

worker.on('message', () => {
  if (round >= 0) times[round] = 1000 * (performance.now() - started);
  round += 1;
  if (round < calls) return ping();
  report({ p50: percentile(times, 0.5), p99: percentile(times, 0.99) });
  worker.terminate();
});
ping();
