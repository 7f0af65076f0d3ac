import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { root, tarballs } from './machine.ts';

/** Only a hang takes longer. */
const limit = { timeout: 120_000 };

function tool(name: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'node_modules', name), ...args], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout + stderr);
}

test('publint finds nothing to say about the package', limit, () => {
  tool('publint/src/cli.js', [tarballs.mobula, '--strict']);
});

test('the types resolve the way the code does', limit, () => {
  tool('@arethetypeswrong/cli/dist/index.js', [tarballs.mobula, '--profile', 'esm-only', '--no-color']);
});
