// `node run.js ACTION FOLDER POINT:HIT…`: arms one point after the other and runs the workload. Prints a line of JSON
// for each; ends with 1 after the first that fails, as what follows in the same process would prove nothing.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { get, init, MobulaError, shutdown } from 'mobula';
import { inside } from '../support/inside.ts';
import { assertQuiet } from '../support/suite.ts';
import { type Action, releaseWhatIsTerminated, seam, spillIn } from './seam.ts';
import { double } from './tasks.ts';
import { whatIsLeft, workload } from './workload.ts';

/** Reached only by a hang. */
const LIMIT_MS = 30_000;
const DELAY_MS = 2;
/** How often the workload is run to count how often each point is reached in one. */
const COUNTED = 4;
/** How often the workload is run until a point was reached. */
const ROUNDS = 6;
const errors = [constants.errno.EIO, constants.errno.ENOSPC, constants.errno.ENOMEM];

const [action, folder, ...targets] = process.argv.slice(2) as [Action | 'count', string, ...string[]];
mkdirSync(spillIn(folder), { recursive: true });
releaseWhatIsTerminated();

async function within<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came of it in ${LIMIT_MS} ms; ${whatIsLeft()}`)), LIMIT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Nothing is held any more, once every thread has collected: a thread that sleeps does so only when asked. */
async function quiet(): Promise<void> {
  const { addon, port } = inside();
  addon.askToCollect(port.id);
  await assertQuiet();
}

async function start(): Promise<void> {
  await init({ numCpus: 2, objectStoreMemory: '24MiB', spillDirectory: spillIn(folder) });
  // The process before this one may have been killed.
  assert.deepEqual(readdirSync(spillIn(folder)), [], 'spill files of a killed process are left');
  await get([double.remote(1), double.remote(2)]);
}

const values = (of: Action): number[] => (of === 'error' ? errors : of === 'delay' ? [DELAY_MS] : [0]);

async function one(name: string, hit: number, value: number, early: boolean): Promise<boolean> {
  const points = seam();
  if (early) points.failpointArm(name, hit, action as Action, value);
  try {
    await start();
  } catch (error) {
    // Refused as it should be, by an error of mobula's.
    if (early && action === 'error' && error instanceof MobulaError) return points.failpointFired() > 0;
    throw error;
  }
  if (!early) points.failpointArm(name, hit, action as Action, value);
  try {
    await within(workload(action === 'error'));
  } finally {
    // What is held below must find nothing armed, unless the point comes only at the end.
    if (points.failpointFired() > 0) points.failpointDisarm();
  }
  await within(quiet());
  await shutdown();
  points.failpointDisarm();
  return points.failpointFired() > 0;
}

/** No two runs are the same: a point that comes seldom is waited for. */
async function untilReached(name: string, hit: number, value: number, early: boolean): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) if (await one(name, hit, value, early)) return;
  throw new Error(`${name} was not reached ${hit} times in any of ${ROUNDS} rounds`);
}

try {
  if (action === 'count') {
    await start();
    const points = seam();
    const before = points.failpointHits();
    for (let round = 0; round < COUNTED; round++) {
      await within(workload(false));
      await within(quiet());
    }
    await shutdown();
    const reached = points.failpointHits().map((point, i) => {
      const all = Math.ceil((point.all - (before[i]?.all ?? 0)) / COUNTED);
      const workers = Math.ceil((point.workers - (before[i]?.workers ?? 0)) / COUNTED);
      return all > 0 ? { ...point, all, workers } : { ...point, early: true, workers };
    });
    console.log(JSON.stringify(reached));
  } else {
    for (const target of targets) {
      const [name = '', hit = '1', early] = target.split(':');
      for (const value of values(action)) {
        console.error(`${action} ${name} at hit ${hit}${action === 'error' ? `, errno ${value}` : ''}`);
        await untilReached(name, Number(hit), value, early === 'early');
      }
      console.log(name);
    }
  }
} catch (error) {
  console.error(error);
  process.exit(1);
}
