// `npm run test:nodes`: runs the tests of the runtime on every Node that README names, fetched from npm. Arguments after `--`
// choose test files by a part of their path.
import { readdirSync } from 'node:fs';
import { root, run, tool } from './run.mjs';
import './build.mjs';

tool('typescript/bin/tsc', ['-p', 'test/tsconfig.json']);
const { nodes, nodeProgram } = await import(`${root}.test-dist/test/install/machine.js`);
const wanted = process.argv.slice(2);
const files = ['integration', 'chaos', 'embed', 'unit']
  .flatMap((folder) => readdirSync(`${root}.test-dist/test/${folder}`, { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile() && entry.name.endsWith('.test.js'))
  .map((entry) => `${entry.parentPath ?? entry.path}/${entry.name}`)
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort();
for (const version of Object.values(nodes)) run(nodeProgram(version), ['--test', '--test-concurrency=1', ...files]);
