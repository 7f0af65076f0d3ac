// Builds the addon and puts it into native/, under the name the loader looks for.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The suffix of the platform's binary, such as `linux-x64-gnu`. */
function platform() {
  const libc =
    process.platform === 'linux' ? (process.report.getReport().header.glibcVersionRuntime ? '-gnu' : '-musl') : '';
  return `${process.platform}-${process.arch}${libc}`;
}

const built = spawnSync('cargo', ['build', '--release', '--locked', '-p', 'mobula-native'], {
  cwd: root,
  stdio: 'inherit',
});
if (built.error) {
  console.error(
    `mobula: cargo did not start (${built.error.message}). Building from source needs Rust 1.90 or later: https://rustup.rs`,
  );
  process.exit(1);
}
if (built.status !== 0) process.exit(built.status ?? 1);

const library =
  { darwin: 'libmobula_native.dylib', win32: 'mobula_native.dll' }[process.platform] ?? 'libmobula_native.so';
const target = `${root}native/mobula.${platform()}.node`;
mkdirSync(`${root}native`, { recursive: true });
// Renamed into place: a process that has the old binary mapped keeps it.
copyFileSync(`${root}target/release/${library}`, `${target}.new`);
renameSync(`${target}.new`, target);
