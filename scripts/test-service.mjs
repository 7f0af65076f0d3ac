// `npm run test:service`: the example service at twice the load that it can carry, for a minute; prints what came of it.
import './build.mjs';
import { root, run, tool } from './run.mjs';

tool('typescript/bin/tsc', ['-p', 'test/tsconfig.json']);
run(process.execPath, [`${root}.test-dist/test/service/measure.js`]);
