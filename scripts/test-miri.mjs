// `npm run test:miri`: the tests of the crates without system calls, in miri, which knows the rules of Rust's memory model.
// Needs a nightly toolchain with miri. Arguments after `--` choose tests.
import { spawnSync } from 'node:child_process';
import { root, run } from './run.mjs';

/** Crates whose tests make no system call that miri lacks: memfd and mmap are in mobula-shm and mobula-store. */
const crates = ['mobula-sync', 'mobula-queue', 'mobula-sched'];

const probe = spawnSync('cargo', ['+nightly', 'miri', '--version'], { encoding: 'utf8' });
if (probe.status !== 0) {
  console.error('miri cannot run: rustup toolchain install nightly --component miri rust-src');
  process.exit(1);
}
run(
  'cargo',
  ['+nightly', 'miri', 'test', '--locked', ...crates.flatMap((name) => ['-p', name]), '--', ...process.argv.slice(2)],
  {
    // Clocks are real ones, and a thread is spawned by each model.
    MIRIFLAGS: '-Zmiri-disable-isolation',
    CARGO_TARGET_DIR: `${root}target/miri`,
    // Property tests repeat; in miri each step costs a hundred times as much.
    PROPTEST_CASES: process.env.PROPTEST_CASES ?? '4',
  },
);
