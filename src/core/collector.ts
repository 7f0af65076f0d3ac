import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options?: { readonly type: 'minor' }) => void;

let gc: Collect | undefined;

/**
 * Collects garbage now. Views of large objects keep the object store's memory, and V8, which sees only a small ArrayBuffer,
 * is in no hurry to collect those that nobody holds.
 */
export function collect(): void {
  collector()();
}

/** Collects young garbage now. */
export function collectYoung(): void {
  collector()({ type: 'minor' });
}

function collector(): Collect {
  while (gc === undefined) {
    // The flag is the process's: another thread that does the same may take it away in between.
    setFlagsFromString('--expose-gc');
    gc = runInNewContext('globalThis.gc') as Collect | undefined;
    setFlagsFromString('--no-expose-gc');
  }
  return gc;
}

/** Milliseconds to wait for other threads' views in the last tries. */
const LONGEST_WAIT = 50;

/** How often something that found the object store full is tried again. */
export const MAX_TRIES = 12;

/** Makes room in the object store as far as garbage takes it; `ask` tells the other threads to do the same. */
export async function makeRoom(tries: number, ask: () => void): Promise<void> {
  ask();
  collect();
  // Node gives a collected view's memory back in the next turn of the loop.
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setTimeout(resolve, Math.min(2 ** tries, LONGEST_WAIT)));
}
