// `node scripts/publish.mjs FOLDER`: publishes the tarballs of FOLDER, mobula last: whoever installs it finds its
// binaries. Publishes nothing when one is missing. Made for .github/workflows/release.yml.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { root, run } from './run.mjs';

const folder = process.argv[2];
if (folder === undefined) {
  console.error('usage: node scripts/publish.mjs FOLDER');
  process.exit(2);
}
const { name, version, optionalDependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const tarballs = [...Object.keys(optionalDependencies), name].map((one) =>
  resolve(folder, `${one.replace('@', '').replace('/', '-')}-${version}.tgz`),
);
const missing = tarballs.filter((tarball) => !existsSync(tarball));
if (missing.length > 0) {
  console.error(`mobula: nothing is published, because these are missing:\n${missing.join('\n')}`);
  process.exit(1);
}
for (const tarball of tarballs) run('npm', ['publish', tarball, '--access', 'public', '--provenance']);
