import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { WorkerAssignment } from '../../../src/workers/assignment.ts';
import { WorkerPool } from '../../../src/workers/worker-pool.ts';

// What was set up for a thread that died before it attached stayed until shutdown.
test('for each thread that asked for its brief the pool hangs up once, attached or not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mobula-pool-'));
  const workerFile = join(folder, 'worker.cjs');
  writeFileSync(
    workerFile,
    `const { parentPort } = require('node:worker_threads');
    parentPort.once('message', () => parentPort.once('message', () => process.exit(1)));
    parentPort.postMessage('ready');`,
  );
  const briefed: WorkerAssignment[] = [];
  const hungUp: WorkerAssignment[] = [];
  let buried = 0;
  // The threads keep nothing alive.
  const alive = setInterval(() => undefined, 1000);
  await new Promise((giveUp) => {
    const pool = new WorkerPool(workerFile, {});
    pool.serve({
      code: () => ({}),
      brief: (assignment) => {
        briefed.push(assignment);
        return { ...assignment };
      },
      greet: () => undefined,
      hangUp: (assignment) => void hungUp.push(assignment),
      bury: () => {
        buried++;
      },
      abandon: () => undefined,
      giveUp,
    });
    pool.startWorkers(1);
  });
  clearInterval(alive);
  rmSync(folder, { recursive: true });
  assert.equal(briefed.length, 3);
  assert.deepEqual(hungUp, briefed);
  assert.equal(buried, 0);
});
