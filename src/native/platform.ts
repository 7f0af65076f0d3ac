import { existsSync } from 'node:fs';

/** The platforms that have a package with the binary: root's optional dependencies, by the ends of their names. */
export const platforms: readonly string[] = ['linux-x64-gnu', 'linux-arm64-gnu', 'linux-x64-musl', 'linux-arm64-musl'];

/** The oldest glibc the binaries load with. */
export const glibcFloor = '2.17';

/** The oldest Node, by major and minor number; `engines` in package.json says the same. */
export const nodeFloor: readonly [number, number] = [20, 19];

/** Whether this Node is new enough. */
export function isNodeSupported(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > nodeFloor[0] || (major === nodeFloor[0] && minor >= nodeFloor[1]);
}

/** Whether the C library is musl. Asking `process.report` would take ten milliseconds. */
function isMusl(): boolean {
  const loader = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  return existsSync(`/lib/ld-musl-${loader}.so.1`);
}

/** This platform, as the names of binaries and packages end: `linux-x64-gnu`. */
export function platform(): string {
  const libc = process.platform === 'linux' ? (isMusl() ? '-musl' : '-gnu') : '';
  return `${process.platform}-${process.arch}${libc}`;
}

/** The C library with its version, such as `glibc 2.36`; undefined where there is no choice of them. Slow: for messages. */
export function libc(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  if (isMusl()) return 'musl';
  const report: unknown = process.report?.getReport();
  const version = (report as { header?: { glibcVersionRuntime?: string } } | undefined)?.header?.glibcVersionRuntime;
  return version === undefined ? 'an unknown libc' : `glibc ${version}`;
}
