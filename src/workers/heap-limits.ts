import type { ResourceLimits } from 'node:worker_threads';

const MIB = 2 ** 20;
/** The least that a thread's heap may take by default, in MiB. */
const LEAST_MIB = 1024;
/** Of the memory there is, what the heaps of all threads may take together; the object store has its own share. */
const SHARE = 0.7;
/**
 * MiB of a thread's young generation. When a heap is full, Node ends its thread and gives it a few MiB more until that is
 * done; what is promoted meanwhile must fit, or V8 ends the process (docs/faults.md has the figures).
 */
const YOUNG_MIB = 16;

const given = /--max[-_](?:old[-_]space|heap|semi[-_]space)[-_]size/;

/**
 * The limits of the heap of each of `threads` threads, on a machine with `memory` bytes. A full heap is noticed while the
 * process can still do without its thread, and before the machine is out of memory. Flags that the user gave to Node decide
 * otherwise.
 */
export function heapLimits(memory: number, threads: number): ResourceLimits {
  if (given.test([...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' '))) return {};
  const share = Math.floor((memory * SHARE) / (threads + 1) / MIB);
  // Loaded here: no worker needs it.
  const { getHeapStatistics } = process.getBuiltinModule('node:v8');
  const most = Math.floor(getHeapStatistics().heap_size_limit / MIB);
  return { maxOldGenerationSizeMb: Math.min(most, Math.max(LEAST_MIB, share)), maxYoungGenerationSizeMb: YOUNG_MIB };
}
