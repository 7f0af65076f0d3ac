import { runInNewContext } from 'node:vm';
import { ObjectStoreFullError } from '../../common/errors.ts';
import { now, setImmediate, sleep } from '../../common/timers.ts';

type Collect = (options?: { type: 'minor' }) => void;

let gc: Collect | undefined;
/** What keeps garbage alive for a while lets go of it first. */
const preparations = new Set<() => void>();

/** `prepare` runs before each collection, until what this gives is called. */
export function beforeCollection(prepare: () => void): () => void {
  preparations.add(prepare);
  return () => preparations.delete(prepare);
}

/**
 * Collects garbage now. Views of large objects keep the object store's memory, and V8, which sees only a small ArrayBuffer,
 * is in no hurry to collect those that nobody holds.
 */
export function collect(): void {
  for (const prepare of preparations) prepare();
  collector()();
}

/** Collects what became garbage soon after it was made; takes less than a millisecond. */
export function collectYoung(): void {
  collector()({ type: 'minor' });
}

function collector(): Collect {
  // Flags are the whole process's: another thread that does this may take it back before our context is made.
  while (gc === undefined) {
    const { setFlagsFromString } = process.getBuiltinModule('node:v8');
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
  await sleep(Math.min(2 ** tries, LONGEST_WAIT));
}

/** Milliseconds for which a `put` blocks its thread while garbage of others fills the store. */
const PATIENCE_MS = 200;
/** Other threads are asked again after this long: one may have been busy, or have made garbage since. */
const ASK_MS = 25;

/** Where a store is that may be full. */
interface Room {
  askToCollect(port: number): void;
  waitForRoom(port: number, milliseconds: number): void;
}

/**
 * Runs `attempt` until the store is not full, but not for long: what keeps it full may be views that nobody holds, and then
 * threads only have to collect them. Blocks the calling thread, whose own views are collected first.
 */
export function withRoom<T>(addon: Room, port: number, attempt: () => T): T {
  const end = now() + PATIENCE_MS;
  for (let ask = 0; ; ) {
    try {
      return attempt();
    } catch (error) {
      const time = now();
      if (!(error instanceof ObjectStoreFullError) || time >= end) throw error;
      if (time >= ask) {
        ask = time + ASK_MS;
        addon.askToCollect(port);
        collect();
      }
      addon.waitForRoom(port, ASK_MS);
    }
  }
}
