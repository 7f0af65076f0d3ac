// `npm run test:valgrind`: the tests of the crates under valgrind's memcheck: reads of memory that was never written, or is
// gone, and leaks. Arguments after `--` are names of crates.
import { spawnSync } from 'node:child_process';
import { root, run } from './run.mjs';

const asked = process.argv.slice(2);
const crates = asked.length > 0 ? asked : ['mobula-queue', 'mobula-shm', 'mobula-store', 'mobula-sched'];

if (spawnSync('valgrind', ['--version']).status !== 0) {
  console.error('valgrind cannot run: apt install valgrind');
  process.exit(1);
}
const args = ['test', '--locked', '--no-run', '--message-format=json', ...crates.flatMap((name) => ['-p', name])];
const built = spawnSync('cargo', args, {
  cwd: root,
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'inherit'],
  maxBuffer: 2 ** 28,
});
if (built.status !== 0) process.exit(built.status ?? 1);
const programs = built.stdout
  .split('\n')
  .filter((line) => line.startsWith('{'))
  .map((line) => JSON.parse(line))
  .filter(({ reason, profile, executable }) => reason === 'compiler-artifact' && profile.test && executable !== null)
  .map(({ executable }) => executable);
if (programs.length === 0) throw new Error('cargo built no test programs');
for (const program of programs) {
  run(
    'valgrind',
    [
      '--quiet',
      '--error-exitcode=99',
      '--leak-check=full',
      '--show-leak-kinds=definite',
      '--errors-for-leak-kinds=definite',
      program,
      '--test-threads=1',
    ],
    { PROPTEST_CASES: process.env.PROPTEST_CASES ?? '16' },
  );
}
console.log(`${programs.length} test programs, no report`);
