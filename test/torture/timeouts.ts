// `npm run timeouts`: how late a `timeoutMs` is, and how long until the capacity is back: for loops, for tasks that wait,
// and for native code that cannot be ended.
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { get, init, remote, shutdown } from 'mobula';
import { assertBack, footprint } from '../support/baseline.ts';
import { assertQuiet } from '../support/suite.ts';

const { values: given } = parseArgs({
  options: { times: { type: 'string', default: '50' }, hangs: { type: 'string', default: '3' } },
});
/** The most that is allowed, in milliseconds. */
const most = { late: 100, back: 250, backFromNative: 5500 };
const TIMEOUT = 100;

const now = (): number => performance.timeOrigin + performance.now();
const loop = remote((begun: Float64Array) => {
  begun[0] = now();
  for (;;);
});
const sleep = remote(async (begun: Float64Array) => {
  begun[0] = now();
  await new Promise((resolve) => setTimeout(resolve, 60_000));
});
/** Until the call returns, nothing ends its thread. */
const native = remote((begun: Float64Array) => {
  begun[0] = now();
  execFileSync('sleep', ['8']);
});
const whole = remote(() => 1, { numCpus: 2 });

/** Milliseconds from the time limit to the error, and from the error to a result of a task that needs all CPUs. */
async function measure(
  task: typeof loop | typeof sleep | typeof native,
): Promise<readonly [late: number, back: number]> {
  const begun = new Float64Array(new SharedArrayBuffer(8));
  const ref = task.options({ timeoutMs: TIMEOUT, numCpus: 2, maxRetries: 0 }).remote(begun);
  const outcome = await get(ref).then(
    () => 'a value',
    (error: { code: string }) => error.code,
  );
  const settled = now();
  if (outcome !== 'ERR_MOBULA_TASK_TIMEOUT' || begun[0] === 0)
    throw new Error(`a task that takes too long: ${outcome}`);
  await get(whole.remote());
  return [settled - TIMEOUT - (begun[0] as number), now() - settled];
}

async function row(name: string, task: Parameters<typeof measure>[0], times: number, mostBack: number): Promise<void> {
  const [late, back]: [number[], number[]] = [[], []];
  for (let i = 0; i < times; i++) {
    const [one, other] = await measure(task);
    late.push(one);
    back.push(other);
  }
  const told = (values: number[]): string => {
    const sorted = values.toSorted((a, b) => a - b);
    return `${sorted[sorted.length >> 1]?.toFixed(0)}/${sorted.at(-1)?.toFixed(0)}ms`;
  };
  console.log(
    `timeouts node=${process.versions.node} task=${name} times=${times} late=${told(late)} back=${told(back)} (median/most)`,
  );
  if (Math.max(...late) > most.late || Math.max(...back) > mostBack) process.exitCode = 1;
}

const before = footprint();
await init({ numCpus: 2, objectStoreMemory: '32MiB' });
await get(whole.remote());
await row('loop', loop, Number(given.times), most.back);
await row('sleep', sleep, Number(given.times), most.back);
await row('native', native, Number(given.hangs), most.backFromNative);
await assertQuiet();
await shutdown();
await assertBack(before);
