/** `npm run test:service`: the example service at twice the load that it can carry, for a minute. */
import { overload } from './overload.ts';
import { Service } from './service.ts';

const SECONDS = 60;
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
const { p50, p99, max } = health.eventLoopDelayMs;
const rows: [string, string][] = [
  ['capacity', `${capacity.toFixed(0)} requests/s`],
  ['sent', `${load.sent} requests, ${(2 * capacity).toFixed(0)}/s`],
  ['answered', `${load.done}, ${load.perSecond.toFixed(0)}/s`],
  ['pushed back', `${load.pushedBack} with 503 and Retry-After`],
  ['lost', `${load.lost}`],
  ['event-loop delay', `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${max.toFixed(1)} ms`],
  [
    'memory',
    `${mean(memory.slice(0, third)).toFixed(0)} MiB in the first third, ${mean(memory.slice(-third)).toFixed(0)} MiB in the last`,
  ],
  ['after SIGTERM', `exit code ${ending.code}; ${ending.output.trim().split('\n').at(-1)}`],
];
for (const [name, value] of rows) console.log(`${name.padEnd(18)}${value}`);
if (load.lost > 0 || ending.code !== 0) process.exitCode = 1;
