import assert from 'node:assert/strict';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
// For its file only: the threads below import it.
import '../../src/core/collector.ts';
import { limit } from '../support/suite.ts';

const COLLECTOR = new URL('../../src/core/collector.js', import.meta.url).href;
const THREADS = 4;

/** Collects for the first time at the same time as the other threads; says what was thrown. */
const code = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(${JSON.stringify(COLLECTOR)}).then(({ collect }) => {
    const { arrived, threads } = workerData;
    Atomics.add(arrived, 0, 1);
    while (Atomics.load(arrived, 0) < threads);
    try {
      collect();
      parentPort.postMessage('collected');
    } catch (error) {
      parentPort.postMessage(String(error));
    }
  });
`;

test('threads that collect garbage for the first time at once all get the collector', limit, async () => {
  // V8's flags are the process's: one thread took the collector's flag from another, which then had
  // "ReferenceError: gc is not defined" instead of room in the store.
  for (let round = 0; round < 12; round++) {
    const arrived = new Int32Array(new SharedArrayBuffer(4));
    const outcomes = Array.from({ length: THREADS }, () => {
      const worker = new Worker(code, { eval: true, workerData: { arrived, threads: THREADS } });
      return new Promise<unknown>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
    });
    assert.deepEqual(
      await Promise.all(outcomes),
      Array.from({ length: THREADS }, () => 'collected'),
    );
  }
});
