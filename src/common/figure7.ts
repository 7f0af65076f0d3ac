/** With `MOBULA_TRACE=1`, each process prints what it does for a task, in the steps of figure 7 of the paper (OSDI 2018). */
import { writeSync } from 'node:fs';
import { env, hrtime } from 'node:process';
import { shortNode } from './ids.ts';

/** Whether steps are printed. Nothing is put together for a step if they are not. */
export const printsSteps: boolean = env['MOBULA_TRACE'] === '1';

/** The steps, by the paper's numbers: how a task runs, and how its result comes to `get`. */
const steps = {
  registered: 'execute 0',
  submitted: 'execute 1',
  asked: 'execute 2',
  lookedUp: 'execute 3',
  sent: 'execute 4',
  checked: 'execute 5',
  located: 'execute 6',
  replicated: 'execute 7',
  given: 'execute 8',
  run: 'execute 9',
  notHere: 'return 1',
  waits: 'return 2',
  finished: 'return 3',
  told: 'return 4',
  heard: 'return 5',
  fetched: 'return 6',
  got: 'return 7',
} as const;

const STDERR = 2;

/**
 * Prints a step, with the time of a clock that all processes of a machine share, in milliseconds. It does not go through
 * `process.stderr`: that is a task's in a worker.
 */
export function printStep(step: keyof typeof steps, node: string, text: string): void {
  const ms = (Number(hrtime.bigint()) / 1e6).toFixed(3);
  try {
    writeSync(STDERR, `mobula figure 7: ${steps[step]} | ${ms} | ${shortNode(node)} | ${text}\n`);
  } catch {
    // Nobody reads it, or not fast enough: the task goes on.
  }
}
