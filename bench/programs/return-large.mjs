/** 100 MiB come back from a worker: from the end of the function to a value in the caller's hands. */
import { BareWorkers } from '../compare/bare.mjs';
import { makeLarge, stamp } from '../compare/bodies.mjs';
import { check, parameters, report } from '../lib/child.mjs';
import { median, timed } from '../lib/stats.mjs';

const LENGTH = (100 * 2 ** 20) / 8;
const WARM_UP = 4;
const { system, rounds } = parameters;
const { run, close } = system.startsWith('mobula') ? await openMobula() : openBare();

async function openMobula() {
  const { allocate, get, init, remote, shutdown } = await import('../lib/mobula.mjs');
  await init({ numCpus: 1, objectStoreMemory: '1GiB' });
  const plain = remote(makeLarge);
  const inPlace = remote(function inPlace(length) {
    return stamp(allocate(Float64Array, length));
  });
  const task = system === 'mobula allocate' ? inPlace : plain;
  return { run: (length) => get(task.remote(length)), close: shutdown };
}

function openBare() {
  const bare = new BareWorkers(1, { body: 'makeLarge', transfer: system === 'bare transfer' });
  return { run: (length) => bare.call(length), close: () => bare.close() };
}

/** The function's last act is to write the time into its result; the clock is the same in all threads. */
async function timeReturn() {
  const value = await run(LENGTH);
  const last = value[LENGTH - 1];
  const milliseconds = (Number(process.hrtime.bigint()) - value[0]) / 1e6;
  check(value.length === LENGTH && last === 1, `${value.length} numbers, the last is ${last}`);
  return milliseconds;
}

const source = new Float64Array(LENGTH).fill(2);
const target = new Float64Array(LENGTH).fill(3);
const times = { ms: [], copyFresh: [], copyWarm: [] };
for (let round = -WARM_UP; round < rounds; round += 1) {
  const sample = {
    ms: await timeReturn(),
    copyFresh: timed(() => Buffer.allocUnsafeSlow(source.byteLength).set(new Uint8Array(source.buffer))),
    copyWarm: timed(() => target.set(source)),
  };
  if (round >= 0) for (const [name, value] of Object.entries(sample)) times[name].push(value);
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 5));
}
report(Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)])));
await close();
