import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

/**
 * Physical memory this process holds, in bytes: private pages, and pages of shared memory counted once however
 * often they are mapped (VmRSS counts them once per mapping).
 */
export function physicalBytes() {
  return kibibytes('/proc/self/status', 'RssAnon') + Math.max(memfdBytes(), mappedSharedBytes());
}

/** What the kernel calls the resident set: every mapping counts. */
export function residentBytes() {
  return kibibytes('/proc/self/status', 'VmRSS');
}

/** Runs `work` and returns by how much `physicalBytes` rose above its first value at the most. */
export async function peakDuring(work) {
  await settle();
  const before = physicalBytes();
  let peak = before;
  const look = () => {
    peak = Math.max(peak, physicalBytes());
  };
  const timer = setInterval(look, 5);
  await work();
  look();
  clearInterval(timer);
  return peak - before;
}

/** Collects garbage and gives what is freed late the time to go. Needs `--expose-gc`. */
export async function settle() {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Pages in memory files that are open here, mapped or not. */
function memfdBytes() {
  const sizes = new Map();
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const path = `/proc/self/fd/${fd}`;
      if (!readlinkSync(path).startsWith('/memfd:')) continue;
      const { ino, blocks } = statSync(path);
      sizes.set(ino, 512 * blocks);
    } catch {
      // Closed between the listing and the look.
    }
  }
  return [...sizes.values()].reduce((total, size) => total + size, 0);
}

/** Shared pages by their proportional set size: a page mapped three times counts a third each time. */
function mappedSharedBytes() {
  return kibibytes('/proc/self/smaps_rollup', 'Pss_Shmem');
}

function kibibytes(file, field) {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(file, 'utf8'));
  if (match === null) throw new Error(`${file} has no ${field}: memory is measured on Linux only`);
  return 1024 * Number(match[1]);
}
