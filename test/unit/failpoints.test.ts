import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { limit } from '../support/suite.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

test('the binary that ships has no failpoints', limit, () => {
  const list = readFileSync(`${root}crates/mobula-fault/src/points.rs`, 'utf8');
  const names = [...list.matchAll(/Point::(?:new|io)\("([^"]+)"\)/g)].map(([, name = '']) => name);
  assert.ok(names.length >= 60, `${names.length} points`);
  const binaries = readdirSync(`${root}native`).filter((file) => file.endsWith('.node'));
  assert.ok(binaries.length > 0, 'there is no binary');
  for (const file of binaries) {
    const binary = readFileSync(`${root}native/${file}`);
    // A name that must be there: what is searched is the binary.
    assert.ok(binary.includes('ERR_MOBULA_RUNTIME_CLOSED'));
    const found = [...names, 'failpointArm', 'failpoint_arm'].filter((name) => binary.includes(name));
    assert.deepEqual(found, []);
  }
});
