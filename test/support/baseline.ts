import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { openFiles, threads } from './machine.ts';
import { until } from './until.ts';

/** What a process holds of the system. */
export interface Footprint {
  readonly threads: number;
  readonly descriptors: number;
  /** Memory segments of object stores, deleted files included. */
  readonly segments: number;
  readonly spillFiles: number;
  readonly timers: number;
  readonly children: number;
}

/** What this process holds now. */
export function footprint(): Footprint {
  const files = openFiles();
  return {
    threads: threads(),
    descriptors: files.filter((file) => !isModule(file)).length,
    segments: files.filter((file) => file.includes('memfd:mobula')).length,
    spillFiles: files.filter((file) => isSpillFile(file)).length,
    timers: process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length,
    children: children(process.pid).length,
  };
}

/** Node 20 leaves a module open when its thread is ended while it imports it: not counted, tests end threads at any time. */
function isModule(file: string): boolean {
  return /\.[cm]?[jt]s$/.test(file);
}

/** A file without a name in a folder for temporary files: what the store spills to. */
function isSpillFile(file: string): boolean {
  return /\/#\d+ \(deleted\)$/.test(file) || file.includes('mobula-spill-');
}

/** Processes that a process has started. */
export function children(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    try {
      return readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean);
    } catch {
      // The thread has ended, or the kernel was built without this file.
      return [];
    }
  });
}

/** Waits until this process holds no more of anything than it did at `before`. */
export async function assertBack(before: Footprint, limitMs = 10_000): Promise<void> {
  const more = (now: Footprint): string[] =>
    Object.entries(now).flatMap(([what, count]) => {
      const then = before[what as keyof Footprint];
      return (count as number) > then ? [`${count} ${what}, ${then} before`] : [];
    });
  await until(
    () => more(footprint()).length === 0,
    () => `${more(footprint()).join('; ')}\n${openFiles().join('\n')}`,
    limitMs,
  );
  assert.deepEqual(more(footprint()), []);
}
