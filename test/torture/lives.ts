// `npm run torture`: worker threads that hold views and an unsealed object, ended in each of seven ways, one after another.
import { parseArgs } from 'node:util';
import { allocate, get, init, type ObjectRef, put, remote, shutdown } from 'mobula';
import { assertBack, footprint } from '../support/baseline.ts';
import { collect } from '../support/garbage.ts';
import { storeStats } from '../support/inside.ts';
import { fit } from '../support/line.ts';
import { settledBytes } from '../support/machine.ts';
import { assertQuiet } from '../support/suite.ts';
import { until } from '../support/until.ts';
import { Workers } from '../support/workers.ts';

const { values: given } = parseArgs({
  options: {
    lives: { type: 'string', default: '700' },
    warm: { type: 'string', default: '140' },
    /** Seconds in which what a thread has left is gone. */
    settle: { type: 'string', default: '1' },
  },
});
const lives = Number(given.lives);
/** How often the memory is measured. */
const SAMPLES = 25;

/** Ways for a thread to end. */
const ways = ['terminate', 'exit', 'throw', 'reject', 'overflow', 'memory', 'copying'] as const;
type Way = (typeof ways)[number];

/** Takes eight views and an object that it has not sealed, says so, and ends its thread. */
const live = remote(
  async (way: Way, refs: readonly ObjectRef<Uint8Array>[], held: Int32Array) => {
    const views = await Promise.all(refs.map((ref) => get(ref)));
    const unsealed = allocate(Uint8Array, 64 * 1024);
    unsealed.fill(views.length);
    Reflect.set(globalThis, 'held', [views, unsealed]);
    Atomics.store(held, 0, 1);
    const die = (body: () => void): void => {
      // Nothing catches what is thrown here: the handlers of mobula, which would, are gone.
      process.removeAllListeners('uncaughtException');
      process.removeAllListeners('unhandledRejection');
      setImmediate(body);
    };
    switch (way) {
      case 'terminate':
        break;
      case 'exit':
        process.exit(3);
        break;
      case 'throw':
        die(() => {
          throw new Error('the end');
        });
        break;
      case 'reject':
        die(() => void Promise.reject(new Error('the end')));
        break;
      case 'overflow':
        die(() => {
          const down = (): number => down() + 1;
          down();
        });
        break;
      case 'memory':
        die(() => {
          // Node 24 and 26 do not catch every shape (docs/faults.md); this one they do.
          const list: object[] = [];
          for (;;) list.push({ list });
        });
        break;
      case 'copying':
        // It ends while another copy into the store is under way, if the end comes quickly enough.
        die(() => {
          process.nextTick(() => process.exit(4));
          put(new Uint8Array(2 ** 20));
        });
        break;
    }
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  },
  { maxRetries: 0, numCpus: 1 },
);

const nothing = remote(() => undefined, { name: 'nothing' });

const workers = new Workers();
const before = footprint();
await init({ numCpus: 1, objectStoreMemory: '64MiB' });
const refs = Array.from({ length: 8 }, (_, i) => put(new Uint8Array(64 * 1024).fill(i)));
const held = new Int32Array(new SharedArrayBuffer(4));
const counts = new Map<Way, number>(ways.map((way) => [way, 0]));

async function one(n: number): Promise<void> {
  const way = ways[n % ways.length] as Way;
  Atomics.store(held, 0, 0);
  const ref = live.remote(way, refs, held);
  const ended = get(ref).then(
    () => 'value',
    (error: { code: string }) => error.code,
  );
  if (way === 'terminate') {
    await until(() => held[0] === 1, undefined, 60_000);
    workers.kill(0);
  }
  const outcome = await ended;
  if (outcome !== 'ERR_MOBULA_WORKER_DIED') throw new Error(`life ${n} (${way}) ended with ${outcome}`);
  if (held[0] !== 1) throw new Error(`life ${n} (${way}) ended before it held anything`);
  counts.set(way, (counts.get(way) ?? 0) + 1);
}

/** What is held when nobody lives: the eight objects, with no view and nothing unsealed. */
async function pinsLeft(): Promise<number> {
  await until(() => storeStats().pinned === 0 && storeStats().buffers === refs.length, undefined, 5000).catch(
    () => undefined,
  );
  const { pinned, views, buffers } = storeStats();
  return pinned + views + (buffers - refs.length);
}

/** Bytes in use while a fresh worker is up, and nothing runs. */
async function resident(): Promise<number> {
  await get(nothing.remote());
  await collect();
  return settledBytes(Number(given.settle));
}

for (let n = 0; n < Number(given.warm); n++) await one(n);
for (const way of ways) counts.set(way, 0);
const began = performance.now();
const memory: (readonly [lives: number, bytes: number])[] = [];
// Each time after the same way.
const pause = ways.length * Math.ceil(lives / SAMPLES / ways.length);
for (let n = 0; n < lives; n++) {
  if (n % pause === 0) memory.push([n, await resident()]);
  await one(n);
}
const seconds = (performance.now() - began) / 1000;
const pins = await pinsLeft();
// The first fifth warms up: heaps grow to their size, code is compiled.
const perLife = fit(memory.slice(Math.floor(memory.length / 5))).slope;
refs.length = 0;
await assertQuiet();
await shutdown();
workers.stop();
await assertBack(before);
const each = [...counts].map(([way, count]) => `${way}:${count}`).join(',');
console.log(
  `lives node=${process.versions.node} lives=${lives} ways=${each} seconds=${seconds.toFixed(1)} pins_left=${pins} bytes_per_life=${perLife.toFixed(0)}`,
);
if (pins > 0) process.exitCode = 1;
