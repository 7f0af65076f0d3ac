import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { limit } from '../../support/suite.ts';

const compiled = fileURLToPath(new URL('../../../../dist/boot/compiled.cjs', import.meta.url));

// The second import gave names without anything behind them.
test('where no binary fits, each import says so, not the first one alone', limit, () => {
  const program = `
    const { loadCode } = require(${JSON.stringify(compiled)});
    for (let i = 0; i < 2; i++) {
      try { console.log(Object.keys(loadCode()).length); } catch (error) { console.log(error.code); }
    }`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--eval', program], {
    encoding: 'utf8',
    env: { ...process.env, MOBULA_BINARY: '/there/is/none.node' },
  });
  assert.equal(stdout, 'ERR_MOBULA_BINARY\nERR_MOBULA_BINARY\n', stderr);
});
