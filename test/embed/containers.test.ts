import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Application } from '../support/application.ts';
import { type Container, runContained, whyNoContainer } from '../support/container.ts';

const skip = (await whyNoContainer()) ?? false;
const limit = { timeout: 120_000, skip };

/** Starts a runtime, runs tasks and an actor, stores more than fits into its memory, and reads all of it back. */
const program = `
import { clusterResources, get, init, put, remote, shutdown } from 'mobula';
const [options, arrays] = process.argv.slice(2).map((text) => JSON.parse(text));
const MIB = 2 ** 20;
const runtime = await init(options);
const { capacity } = runtime.stats().store;
const square = remote((x) => x * x);
const Counter = remote(class { #n = 0; inc() { return ++this.#n; } });
const counter = Counter.remote();
const squares = await get(Array.from({ length: 1000 }, (_, i) => square.remote(i)));
const first = remote((array) => array[0]);
let problem;
const refs = [];
try {
  for (let i = 0; i < arrays; i++) refs.push(put(new Float64Array(MIB).fill(i)));
} catch (error) {
  problem = [error.name, error.code];
}
let most = 0;
const firsts = [];
for (const ref of refs) {
  firsts.push(await get(first.remote(ref)));
  const { used, spilled } = runtime.stats().store;
  most = Math.max(most, used + spilled);
}
const report = {
  cpus: clusterResources().CPU,
  capacityMiB: Math.round(capacity / MIB),
  squares: squares.reduce((a, b) => a + b),
  counter: await get(counter.inc.remote()),
  intact: firsts.every((value, i) => value === i),
  stored: refs.length,
  mostMiB: Math.round(most / MIB),
  problem,
};
await shutdown();
console.log(JSON.stringify(report));
`;

interface Report {
  readonly cpus: number;
  readonly capacityMiB: number;
  readonly squares: number;
  readonly counter: number;
  readonly intact: boolean;
  readonly stored: number;
  readonly mostMiB: number;
  readonly problem?: readonly [name: string, code: string];
}

const SQUARES = 332_833_500;

/** Runs the program in a container; `temporary` says of how many MiB its folder for temporary files is, if it can write to one. */
async function report(container: Container, options: object, arrays: number, temporary?: number): Promise<Report> {
  using application = new Application({ 'main.js': program });
  const folder = join(application.root, 'tmp');
  mkdirSync(folder);
  const conditions: Container =
    temporary === undefined ? container : { ...container, writable: { folder, mib: temporary } };
  const { code, signal, output, errors } = await runContained(
    ['main.js', JSON.stringify(options), String(arrays)],
    conditions,
    { cwd: application.root, env: { TMPDIR: folder } },
  );
  assert.equal(errors, '');
  assert.deepEqual({ code, signal }, { code: 0, signal: null });
  const result = JSON.parse(output) as Report;
  assert.deepEqual([result.squares, result.counter, result.intact], [SQUARES, 1, true]);
  return result;
}

test('the object store does not live in /dev/shm: 64 MiB of it are enough', limit, async () => {
  const { stored, mostMiB, problem } = await report({ shmMiB: 64 }, { objectStoreMemory: '256MiB' }, 24);
  assert.deepEqual([stored, problem], [24, undefined]);
  assert.ok(mostMiB >= 192, `${mostMiB} MiB`);
});

test(
  'a read-only root file system with a writable folder for temporary files: objects are spilled there',
  limit,
  async () => {
    const { stored, problem } = await report({ readOnly: true }, { objectStoreMemory: '64MiB' }, 24, 512);
    assert.deepEqual([stored, problem], [24, undefined]);
  },
);

test('nothing to write to at all: everything works, and a full store says so', limit, async () => {
  // Eight would fill it to the last byte, and small values count, too.
  const { stored, problem } = await report({ readOnly: true }, { objectStoreMemory: '64MiB' }, 24);
  assert.deepEqual([stored, problem], [7, ['ObjectStoreFullError', 'ERR_MOBULA_OBJECT_STORE_FULL']]);
});

test('half a CPU and 256 MiB: the defaults fit, and three times the store passes through it', limit, async () => {
  const container = { shmMiB: 64, cpus: 0.5, memoryMiB: 256 };
  const { cpus, capacityMiB, stored, problem } = await report(container, {}, 28);
  assert.deepEqual([stored, problem], [28, undefined]);
  assert.equal(cpus, 1);
  assert.ok(capacityMiB <= 77, `${capacityMiB} MiB`);
});

test('half a CPU and 256 MiB on a read-only file system', limit, async () => {
  using application = new Application({ 'main.js': program });
  const { code, signal, output, errors } = await runContained(
    ['main.js', '{}', '4'],
    { shmMiB: 64, cpus: 0.5, memoryMiB: 256, readOnly: true },
    { cwd: application.root },
  );
  assert.deepEqual({ code, signal, errors }, { code: 0, signal: null, errors: '' });
  assert.equal((JSON.parse(output) as Report).stored, 4);
});
