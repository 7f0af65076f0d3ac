// `npm run sim`: seeds of the cluster's protocols in the simulator; docs/simulator.md has the arguments.
import { root, run, tool } from './run.mjs';

tool('typescript/bin/tsc', ['-p', 'test/tsconfig.json']);
run(process.execPath, [`${root}.test-dist/test/sim/main.js`, ...process.argv.slice(2)]);
