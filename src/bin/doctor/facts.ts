import { statfsSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { resolveInitOptions } from '../../common/init-options.ts';
import type { Source } from '../../native/attempt.ts';
import { findAddon } from '../../native/find.ts';
import { libc, platform } from '../../native/platform.ts';

/** What there is, whether good or bad. Sizes are in bytes; `null` is what cannot be known. */
export interface Facts {
  readonly node: { readonly version: string; readonly path: string };
  readonly system: { readonly platform: string; readonly libc: string | null; readonly kernel: string };
  /** `usable`: what affinity and quota leave; `quota`: CPUs, rounded up, `null` without one. */
  readonly cores: { readonly machine: number; readonly usable: number | null; readonly quota: number | null };
  /** `limit`: the machine's memory or the least limit of a control group; `objectStore`: the default of `init`. */
  readonly memory: {
    readonly machine: number;
    readonly limit: number | null;
    readonly objectStore: number | null;
  };
  /** Where objects go that do not fit into memory, unless `init` is told otherwise. */
  readonly spill: { readonly directory: string; readonly free: number | null; readonly inMemory: boolean | null };
  readonly binary: { readonly path: string; readonly source: Source } | null;
}

/** The number by which Linux tells a file system that lies in memory. */
const TMPFS = 0x01021994;

function spillFacts(): Facts['spill'] {
  const directory = tmpdir();
  try {
    const { bavail, bsize, type } = statfsSync(directory);
    return { directory, free: bavail * bsize, inMemory: type === TMPFS };
  } catch {
    return { directory, free: null, inMemory: null };
  }
}

/** Looks at the machine; `failure` is why there is no binary, where there is none. */
export function gather(): { readonly facts: Facts; readonly failure: unknown } {
  const common = {
    node: { version: process.version, path: process.execPath },
    system: { platform: platform(), libc: libc() ?? null, kernel: release() },
    spill: spillFacts(),
  };
  const machine = { cores: cpus().length, memory: totalmem() };
  try {
    const { addon, path, source } = findAddon();
    const [usable, quota, limit] = [addon.usableCpus(), addon.cpuQuota(), addon.memoryLimit()];
    const { objectStoreMemory } = resolveInitOptions({}, { cpus: usable, memory: limit });
    const facts = {
      ...common,
      cores: { machine: machine.cores, usable, quota: quota < 0 ? null : quota },
      memory: { machine: machine.memory, limit, objectStore: objectStoreMemory },
      binary: { path, source },
    };
    return { facts, failure: undefined };
  } catch (failure) {
    const facts = {
      ...common,
      cores: { machine: machine.cores, usable: null, quota: null },
      memory: { machine: machine.memory, limit: null, objectStore: null },
      binary: null,
    };
    return { facts, failure };
  }
}
