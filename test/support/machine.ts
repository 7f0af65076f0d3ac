import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Threads of this process. */
export function threads(): number {
  return readdirSync('/proc/self/task').length;
}

/** What this process has open, by file descriptor. */
export function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`];
    } catch {
      // The descriptor of the listing itself.
      return [];
    }
  });
}

/** Bytes of memory that this process has in use, without pages of files: the system takes those back when it likes. */
export function residentBytes(): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  const kilobytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? NaN);
  return (kilobytes('RssAnon') + kilobytes('RssShmem')) * 1024;
}

/** The same, the least of some seconds in which nothing runs: what threads leave that have just ended takes a moment to go. */
export async function settledBytes(seconds = 1): Promise<number> {
  const readings: number[] = [];
  for (let i = 0; i < seconds * 10; i++) {
    await sleep(100);
    readings.push(residentBytes());
  }
  return Math.min(...readings);
}
