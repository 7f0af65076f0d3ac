// `npm run build`: everything a clone needs to run: dependencies, addon, JavaScript, examples.
import { install, root, run, tool } from './run.mjs';

install();
run(process.execPath, [`${root}scripts/build-native.mjs`]);
run(process.execPath, [`${root}scripts/build-js.mjs`]);
tool('typescript/bin/tsc', ['-p', 'examples/tsconfig.json']);
