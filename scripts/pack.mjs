// `npm run pack [-- TARGET]`: makes the tarballs that are published, in target/tarballs/: mobula, and the package with
// the binary of TARGET, or of this machine.
import { mkdirSync, rmSync } from 'node:fs';
import { buildPlatform, hostTarget } from './build-platform.mjs';
import { install, root, run } from './run.mjs';

// scripts/test-install.mjs imports this file, and has arguments of its own.
const target = process.argv[1] === import.meta.filename ? process.argv[2] : undefined;
install();
run(process.execPath, [`${root}scripts/build-js.mjs`]);
const folders = [root, buildPlatform(target ?? hostTarget())].filter((folder) => folder !== undefined);
rmSync(`${root}target/tarballs`, { recursive: true, force: true });
mkdirSync(`${root}target/tarballs`, { recursive: true });
// Nothing to run before: the packages have no scripts that npm would run by itself.
run('npm', ['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', 'target/tarballs', ...folders]);
