// `npm run sim`: seeds of the cluster's protocols in the simulator; docs/simulator.md has the arguments.
import { install, root, run, tool } from './run.mjs';

install();
// The simulator alone: it needs no addon.
tool('typescript/bin/tsc', ['-p', 'test/sim/tsconfig.json']);
run(process.execPath, [`${root}.test-dist/test/sim/main.js`, ...process.argv.slice(2)]);
