// `npm run test:asan`: the tests of the crates, and workers that end while they hold views and unsealed objects, under
// AddressSanitizer.
// Needs a nightly toolchain of Rust and libasan of gcc. An argument after `--` is the number of lives.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { buildChecked } from './checked.mjs';
import { install, root, run, tool } from './run.mjs';

const TARGET = 'x86_64-unknown-linux-gnu';

/** Where gcc's runtime of the sanitizer is: Node is not built with it, so it has to be loaded first. */
function runtime() {
  const folders = ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib'];
  return folders.map((folder) => `${folder}/libasan.so.8`).find((file) => existsSync(file));
}

function missing() {
  const toolchains = spawnSync('rustup', ['toolchain', 'list'], { encoding: 'utf8' }).stdout ?? '';
  if (!toolchains.includes('nightly')) return 'there is no nightly toolchain: rustup toolchain install nightly';
  if (runtime() === undefined) return 'there is no libasan.so.8: apt install libasan8';
  return undefined;
}

const reason = missing();
if (reason !== undefined) {
  console.error(`asan cannot run: ${reason}`);
  process.exit(1);
}
install();
const sanitized = { RUSTFLAGS: '-Zsanitizer=address', RUSTUP_TOOLCHAIN: 'nightly' };
const apart = ['--target', TARGET, '--target-dir', `${root}target/asan-crates`];
// The tests of linux::heap are about glibc's malloc, in whose place the sanitizer puts its own.
run('cargo', ['test', '--locked', '--quiet', ...apart, '--', '--skip', 'linux::heap'], sanitized);
const addon = buildChecked('asan', [], {
  env: sanitized,
  target: TARGET,
});
if (!readFileSync(addon).includes('__asan_report_load')) throw new Error('the addon was built without the sanitizer');
run(process.execPath, [`${root}scripts/build-js.mjs`]);
tool('typescript/bin/tsc', ['-p', 'test/tsconfig.json']);

const folder = `${root}target/asan`;
const reports = () => readdirSync(folder).filter((name) => name.startsWith('report.'));
for (const name of reports()) rmSync(`${folder}/${name}`);
const { status, signal } = spawnSync(
  process.execPath,
  [`${root}.test-dist/test/asan/lives.js`, process.argv[2] ?? '300'],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      MOBULA_BINARY: addon,
      LD_PRELOAD: runtime(),
      // V8 keeps what it never frees.
      ASAN_OPTIONS: `detect_leaks=0:log_path=${folder}/report`,
      DISABLE_V8_COMPILE_CACHE: '1',
    },
  },
);
for (const name of reports())
  console.error(execFileSync('head', ['-n', '60', `${folder}/${name}`], { encoding: 'utf8' }));
console.log(`asan_reports=${reports().length}`);
if (status !== 0) console.error(`the program ended with ${signal ?? status}`);
process.exitCode = status === 0 && reports().length === 0 ? 0 : 1;
