/** `npm run test:service`: the example service at twice the load that it can carry, for a minute. */
import { overload } from './overload.ts';
import { Service } from './service.ts';

const SECONDS = 60;
/** The most that the 99th percentile of the server's event-loop delay may be, in milliseconds. */
const MOST_DELAY_MS = 20;
/** The most by which memory may grow from the first third of the time to the last, in MiB. */
const MOST_GROWTH = 20;
const MIB = 2 ** 20;

const service = new Service();
console.log(
  `listening on ${await service.url()}; finding out how much it can carry, then ${SECONDS} s of twice as much`,
);
const { capacity, load, health, memory } = await overload(service, SECONDS);
service.signal('SIGTERM');
const ending = await service.end();

const third = Math.ceil(memory.length / 3);
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length / MIB;
const [early, late] = [mean(memory.slice(0, third)), mean(memory.slice(-third))];
const { p50, p99, max } = health.eventLoopDelayMs;
const rows: [string, string][] = [
  ['capacity', `${capacity.toFixed(0)} requests/s`],
  ['sent', `${load.sent} requests, ${(2 * capacity).toFixed(0)}/s`],
  ['answered', `${load.done}, ${load.perSecond.toFixed(0)}/s`],
  ['pushed back', `${load.pushedBack} with 503 and Retry-After`],
  ['lost', `${load.lost}`],
  ['event-loop delay', `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${max.toFixed(1)} ms`],
  ['memory', `${early.toFixed(0)} MiB in the first third, ${late.toFixed(0)} MiB in the last`],
  ['after SIGTERM', `exit code ${ending.code}; ${ending.output.trim().split('\n').at(-1)}`],
];
for (const [name, value] of rows) console.log(`${name.padEnd(18)}${value}`);
const asked: [string, boolean][] = [
  ['no request lost', load.lost === 0],
  ['some pushed back', load.pushedBack > 0],
  [`p99 of the delay below ${MOST_DELAY_MS} ms`, p99 < MOST_DELAY_MS],
  [`memory flat to ${MOST_GROWTH} MiB`, late - early < MOST_GROWTH],
  ['exit code 0 after SIGTERM', ending.code === 0],
];
for (const [what, met] of asked) {
  console.log(`${met ? 'met' : 'NOT MET'}: ${what}`);
  if (!met) process.exitCode = 1;
}
