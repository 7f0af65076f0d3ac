import { accessSync, constants } from 'node:fs';
import { isMobulaError } from '../../common/errors.ts';
import { isNodeSupported, nodeFloor } from '../../native/platform.ts';
import type { Facts } from './facts.ts';
import { bytes } from './render.ts';
import type { Check } from './report.ts';

/** Whether this Node is one that mobula runs on. */
export function checkNode(): Check {
  const floor = nodeFloor.join('.');
  if (isNodeSupported())
    return { name: 'node', status: 'ok', message: `Node ${process.version} is ${floor} or later.` };
  const message = `Node ${process.version} is too old: install ${floor} or later.`;
  return { name: 'node', status: 'failed', message };
}

/** Whether a binary loads. */
export function checkBinary(facts: Facts, failure: unknown): Check {
  if (facts.binary !== null) return { name: 'binary', status: 'ok', message: `It loads: ${facts.binary.path}.` };
  return { name: 'binary', status: 'failed', message: text(failure) };
}

/** Below this, large objects soon find no place. */
const LITTLE = 2 ** 30;

/** Whether objects that do not fit into memory can be written to disk. */
export function checkSpill({ spill: { directory, free, inMemory } }: Facts): Check {
  const advice = 'Set TMPDIR, or give init() a spillDirectory, that is on a disk with room.';
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
  } catch {
    const message = `${directory} cannot be written to: put() throws ObjectStoreFullError as soon as the object store is full. ${advice}`;
    return { name: 'spill', status: 'warning', message };
  }
  if (inMemory === true) {
    const message = `${directory} lies in memory (tmpfs): writing objects there frees nothing. ${advice}`;
    return { name: 'spill', status: 'warning', message };
  }
  if (free !== null && free < LITTLE) {
    return { name: 'spill', status: 'warning', message: `${directory} has only ${bytes(free)} left. ${advice}` };
  }
  return { name: 'spill', status: 'ok', message: `${directory} takes objects that do not fit into memory.` };
}

/** Only a hang takes longer. */
const LIMIT_MS = 30_000;
const MIB = 2 ** 20;

/** Starts a runtime, and has a task read an object from the store. */
export async function checkRuntime(): Promise<Check> {
  const { get, init, put, remote, shutdown } = await import('../../index.ts');
  try {
    await init({ numCpus: 1, objectStoreMemory: '16MiB' });
    const total = remote((numbers: Uint8Array) => numbers.reduce((sum, number) => sum + number, 0));
    const sum = await get(total.remote(put(new Uint8Array(MIB).fill(1))), { timeoutMs: LIMIT_MS });
    if (sum !== MIB) throw new Error(`the task gave ${sum} instead of ${MIB}`);
    await shutdown({ timeoutMs: LIMIT_MS });
    return { name: 'runtime', status: 'ok', message: 'A task ran in a worker thread and read an object of 1 MiB.' };
  } catch (error) {
    return { name: 'runtime', status: 'failed', message: `A task could not be run. ${text(error)}` };
  }
}

function text(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return isMobulaError(error) ? `${error.code}: ${error.message}` : (error.stack ?? error.message);
}
