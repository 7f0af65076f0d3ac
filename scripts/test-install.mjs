// `npm run test:install`: packs mobula, then installs it in empty projects, from the tarballs and from a registry of its
// own, on every Node that README names. Arguments after `--` go to node's test runner.
import { existsSync, readdirSync } from 'node:fs';
import { root, run, tool } from './run.mjs';
import './pack.mjs';

const registry = `${root}test/install/registry`;
if (!existsSync(`${registry}/node_modules/verdaccio`)) {
  run('npm', ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', registry]);
}
tool('typescript/bin/tsc', ['-p', 'test/tsconfig.json']);
const folder = '.test-dist/test/install';
const files = readdirSync(`${root}${folder}`).filter((name) => name.endsWith('.test.js'));
const options = process.argv.slice(2);
run(process.execPath, ['--test', '--test-concurrency=1', ...options, ...files.map((name) => `${folder}/${name}`)]);
