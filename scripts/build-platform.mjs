// `node scripts/build-platform.mjs [TARGET]`: builds the binary of a platform's package as it is published, and puts it
// into npm/PLATFORM/. TARGET is one of `napi.targets` in package.json; without it, this machine's.
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { root, tool } from './run.mjs';

/** A target of Rust as the packages are called: `linux-x64-gnu`. */
export function platformOf(target) {
  const [arch, , system, abi] = target.split('-');
  const cpu = { x86_64: 'x64', aarch64: 'arm64' }[arch];
  const os = { darwin: 'darwin', windows: 'win32', linux: 'linux' }[system];
  return [os, cpu, abi].filter((part) => part !== undefined).join('-');
}

/** Which C library this machine has is told by what Node was linked against. */
const libc = () => (process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'gnu');

const { targets } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')).napi;

/** The target of this machine. */
export function hostTarget() {
  const abi = process.platform === 'linux' ? `-${libc()}` : { win32: '-msvc' }[process.platform];
  const host = `${process.platform}-${process.arch}${abi ?? ''}`;
  const target = targets.find((one) => platformOf(one) === host);
  if (target === undefined) throw new Error(`mobula has no binary for ${host}: there are ${targets.join(', ')}`);
  return target;
}

/** How the target is linked: for an old glibc, or with zig's musl. */
function linkage(target) {
  if (target.endsWith('-linux-gnu')) return ['--use-napi-cross'];
  if (target.endsWith('-linux-musl')) return ['--cross-compile'];
  return [];
}

/** Builds the binary and gives the folder of its package, where the platform has one. */
export function buildPlatform(target) {
  if (!targets.includes(target)) throw new Error(`${target} is not one of ${targets.join(', ')}`);
  const platform = platformOf(target);
  const built = `${root}target/packages/${platform}`;
  mkdirSync(built, { recursive: true });
  tool('@napi-rs/cli/dist/cli.js', [
    'build',
    '--platform',
    '--release',
    '--strip',
    '--no-js',
    ...linkage(target),
    ...['--target', target],
    ...['--manifest-path', 'native/Cargo.toml'],
    ...['--output-dir', `target/packages/${platform}`],
    ...['--', '--locked'],
  ]);
  const folder = `${root}npm/${platform}`;
  if (!existsSync(folder)) return undefined;
  copyFileSync(`${built}/mobula.${platform}.node`, `${folder}/mobula.${platform}.node`);
  return folder;
}

if (process.argv[1] === import.meta.filename) buildPlatform(process.argv[2] ?? hostTarget());
