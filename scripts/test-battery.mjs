// `npm run test:battery -- [--loader NAME] [--filter TEXT]`: runs programs here and in a worker, under each loader or one of them,
// and compares. TEXT is a part of `area: name`. `--failures FILE` appends a line of JSON for each program that failed.
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { root, run, tool } from './run.mjs';

const text = { type: 'string', default: '' };
const { values } = parseArgs({ options: { loader: text, filter: text, failures: { type: 'string' } } });
rmSync(`${root}.test-dist`, { recursive: true, force: true });
tool('typescript/bin/tsc', ['-p', 'test/tsconfig.json']);
run(process.execPath, ['--test', `${root}.test-dist/test/battery/battery.test.js`], {
  MOBULA_BATTERY_LOADER: values.loader,
  MOBULA_BATTERY_FILTER: values.filter,
  ...(values.failures === undefined ? {} : { MOBULA_BATTERY_FAILURES: values.failures }),
});
