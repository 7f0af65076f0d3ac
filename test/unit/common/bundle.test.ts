import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { limit } from '../../support/suite.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

// The second import gave names without anything behind them.
test('where no binary fits, each import says so, not the first one alone', limit, () => {
  const program = `
    const { part } = require(${JSON.stringify(join(root, 'dist/boot/bundle.cjs'))});
    for (let i = 0; i < 2; i++) {
      try { console.log(Object.keys(part('index')).length); } catch (error) { console.log(error.code); }
    }`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--eval', program], {
    encoding: 'utf8',
    env: { ...process.env, MOBULA_BINARY: '/there/is/none.node' },
  });
  assert.equal(stdout, 'ERR_MOBULA_BINARY\nERR_MOBULA_BINARY\n', stderr);
});

// The first thread is started before that part is loaded.
test(
  'where a part of the bundle is missing, each init says so, and leaves nothing that keeps the program alive',
  limit,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'mobula-part-'));
    try {
      for (const each of ['dist', 'native', 'package.json']) {
        cpSync(join(root, each), join(folder, each), { recursive: true });
      }
      const boot = join(folder, 'dist/boot');
      for (const file of readdirSync(boot).filter((name) => /^driver-.*\.cjs$/.test(name))) rmSync(join(boot, file));
      const program = `
      import { init, isInitialized, put } from ${JSON.stringify(join(folder, 'dist/index.js'))};
      for (let i = 0; i < 2; i++) await init().catch((error) => console.log(error.code, isInitialized()));
      try { put(1); } catch (error) { console.log(error.code, isInitialized()); }`;
      const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
        encoding: 'utf8',
      });
      assert.equal(stdout, 'ENOENT false\n'.repeat(3), stderr);
      assert.equal(status, 0, stderr);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
