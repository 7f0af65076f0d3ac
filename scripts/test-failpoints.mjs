// `npm run test:failpoints`: makes the scheduler panic at each of its points and the data plane fail at its own, then makes the core fail at every point that `crates/mobula-fault` names, in a build of the addon
// that has them. Arguments after `--` go to `test/failpoints/sweep.ts`: `--seed N`, `--sample N`, `--only PREFIX`.
import { buildChecked } from './checked.mjs';
import { install, root, run, tool } from './run.mjs';

install();
run('cargo', ['test', '--locked', '-p', 'mobula-sched', '--features', 'failpoints', '--test', 'panics']);
run('cargo', ['test', '--locked', '-p', 'mobula-net', '--features', 'failpoints', '--test', 'faults']);
const addon = buildChecked('failpoints', ['--features', 'failpoints']);
run(process.execPath, [`${root}scripts/build-js.mjs`]);
tool('typescript/bin/tsc', ['-p', 'test/tsconfig.json']);
run(process.execPath, [`${root}.test-dist/test/failpoints/sweep.js`, ...process.argv.slice(2)], {
  MOBULA_BINARY: addon,
});
