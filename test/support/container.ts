import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { type CommandResult, runCommand } from './application.ts';
import { until } from './until.ts';

/** What a container gives its processes. */
export interface Container {
  /** MiB of /dev/shm; Docker gives 64. */
  readonly shmMiB?: number;
  /** Mounts everything read-only. */
  readonly readOnly?: boolean;
  /** An existing folder where a writable one of so many MiB is mounted all the same. */
  readonly writable?: { readonly folder: string; readonly mib: number };
  /** CPUs, as a quota of a control group. */
  readonly cpus?: number;
  /** MiB of memory, as a limit of a control group. */
  readonly memoryMiB?: number;
}

const GROUPS = '/sys/fs/cgroup';
const PERIOD_US = 100_000;

/** Why containers cannot be made here; undefined where they can. */
export async function whyNoContainer(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'containers are made of namespaces of Linux';
  if (process.getuid?.() !== 0) return 'only root may make namespaces and control groups';
  const mounted = await runCommand('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/dev/shm']).catch(String);
  if (typeof mounted === 'string') return `unshare does not start: ${mounted}`;
  if (mounted.code !== 0) return `the kernel refuses to mount in a namespace: ${mounted.errors.trim()}`;
  return existsSync(`${GROUPS}/memory`) && existsSync(`${GROUPS}/cpu`)
    ? undefined
    : 'there are no control groups of version 1';
}

let containers = 0;

/** Runs Node under the conditions of a container. */
export async function runContained(
  args: readonly string[],
  container: Container,
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Promise<CommandResult> {
  const { shmMiB, readOnly, writable, cpus, memoryMiB } = container;
  const name = `mobula-test-${process.pid}-${containers++}`;
  const groups: string[] = [];
  const group = (controller: string, files: Readonly<Record<string, number>>): void => {
    const folder = `${GROUPS}/${controller}/${name}`;
    mkdirSync(folder);
    groups.push(folder);
    for (const [file, value] of Object.entries(files)) writeFileSync(`${folder}/${file}`, String(value));
  };
  try {
    if (cpus !== undefined) group('cpu', { 'cpu.cfs_period_us': PERIOD_US, 'cpu.cfs_quota_us': cpus * PERIOD_US });
    if (memoryMiB !== undefined) group('memory', { 'memory.limit_in_bytes': memoryMiB * 2 ** 20 });
    const setup = ['set -e', ...groups.map((folder) => `echo $$ > ${folder}/cgroup.procs`)];
    if (shmMiB !== undefined) setup.push(`mount -t tmpfs -o size=${shmMiB}m tmpfs /dev/shm`);
    if (readOnly === true) setup.push('mount -o remount,bind,ro /');
    if (writable !== undefined) setup.push(`mount -t tmpfs -o size=${writable.mib}m tmpfs ${writable.folder}`);
    setup.push('exec "$@"');
    const command = ['--mount', '--propagation', 'private', 'bash', '-c', setup.join('\n'), 'bash', process.execPath];
    return await runCommand('unshare', [...command, ...args], options);
  } finally {
    for (const folder of groups) await removeGroup(folder);
  }
}

/** A control group goes when the kernel has let go of its last process. */
async function removeGroup(folder: string): Promise<void> {
  await until(() => {
    try {
      rmdirSync(folder);
      return true;
    } catch {
      return false;
    }
  });
}
