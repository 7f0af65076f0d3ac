import assert from 'node:assert/strict';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import { collect } from '../../../../src/core/values/collector.ts';

const THREADS = 4;
const ROUNDS = 10;

const code = `
import { workerData } from 'node:worker_threads';
const { collect } = await import(workerData.module);
const { gate, threads } = workerData;
if (Atomics.add(gate, 0, 1) === threads - 1) {
  Atomics.store(gate, 1, 1);
  Atomics.notify(gate, 1);
}
Atomics.wait(gate, 1, 0);
collect();
`;

/** A thread that collects garbage when all have come to the gate. */
function collecting(gate: Int32Array): Promise<number> {
  const module = new URL('../../../../src/core/values/collector.js', import.meta.url).href;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
    workerData: { module, gate, threads: THREADS },
  });
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('exit', resolve);
  });
}

// `--expose-gc` is a flag of the process. Threads that collected garbage for the first time at once took it away from one
// another: one found no `gc`, threw while it read what the core had left it, and lost the rest.
test('threads that collect garbage for the first time at once all do', { timeout: 60_000 }, async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const gate = new Int32Array(new SharedArrayBuffer(8));
    const ended = Array.from({ length: THREADS }, () => collecting(gate));
    collect();
    const codes = await Promise.all(ended);
    assert.deepEqual(codes, new Array(THREADS).fill(0));
  }
});
