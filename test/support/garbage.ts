import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { get, remote } from 'mobula';

/** The collector of the calling thread. */
export function collector(): () => void {
  for (;;) {
    // mobula's own threads take the flag away again.
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('globalThis.gc') as (() => void) | undefined;
    if (gc !== undefined) return gc;
  }
}

/** Collects garbage in this thread, and lets what it finds be given back. */
export async function collect(): Promise<void> {
  const gc = collector();
  for (let i = 0; i < 3; i++) {
    gc();
    await turn();
  }
}

const collectThere = remote(
  async () => {
    await collect();
  },
  { name: 'collect', maxRetries: 0 },
);

/** Collects garbage in this thread and in those that run tasks. */
export async function collectEverywhere(tasks = 4): Promise<void> {
  await collect();
  await get(Array.from({ length: tasks }, () => collectThere.remote()));
  await collect();
}
