import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** Where the figures were measured. */
export function describeMachine() {
  return {
    date: new Date().toISOString(),
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    load: loadavg()[0],
  };
}
