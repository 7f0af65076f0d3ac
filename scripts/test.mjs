// `npm test`: builds, then runs all tests of JavaScript and Rust. Arguments after `--` go to node's test runner.
import { readdirSync, rmSync } from 'node:fs';
import { buildChecked } from './checked.mjs';
import { root, run, tool } from './run.mjs';
import './build.mjs';

/** All compiled test files, but those that install: they need packages, and have a script of their own. */
function testFiles(folder) {
  return readdirSync(`${root}${folder}`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.js'))
    .map((entry) => `${entry.parentPath ?? entry.path}/${entry.name}`)
    .filter((file) => !file.includes('/test/install/'))
    .sort();
}

const options = process.argv.slice(2);
rmSync(`${root}.test-dist`, { recursive: true, force: true });
tool('typescript/bin/tsc', ['-p', 'test/tsconfig.json']);
// The declarations, as the compilers that users have see them.
for (const compiler of ['typescript-5.7', 'typescript-5.9', 'typescript'])
  tool(`${compiler}/bin/tsc`, ['-p', 'test/types/tsconfig.json']);
run('cargo', ['test', '--locked', '--quiet']);
if (options.length === 0) {
  // A few points of each action. `npm run test:failpoints` takes them all, in another order each time.
  const addon = buildChecked('failpoints', ['--features', 'failpoints']);
  const sample = ['--sample', '3', '--seed', '11'];
  run(process.execPath, [`${root}.test-dist/test/failpoints/sweep.js`, ...sample], { MOBULA_BINARY: addon });
}
// One file at a time: the tests of a runtime use every core by themselves. `spec` repeats what failed at the end, where a log is read first.
run(process.execPath, [
  '--test',
  '--test-concurrency=1',
  '--test-reporter=spec',
  ...options,
  ...testFiles('.test-dist/test'),
]);
