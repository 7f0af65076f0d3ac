import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

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

/** Bytes of memory that this process has in use. */
export function residentBytes(): number {
  const [, kilobytes = '0'] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}
