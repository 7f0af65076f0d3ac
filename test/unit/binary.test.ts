import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { limit } from '../support/suite.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Those of `names` that are in a binary that ships. */
function foundIn(names: readonly string[]): string[] {
  const binaries = readdirSync(`${root}native`).filter((file) => file.endsWith('.node'));
  assert.ok(binaries.length > 0, 'there is no binary');
  return binaries.flatMap((file) => {
    const binary = readFileSync(`${root}native/${file}`);
    // A name that must be there: what is searched is the binary.
    assert.ok(binary.includes('ERR_MOBULA_RUNTIME_CLOSED'));
    return names.filter((name) => binary.includes(name));
  });
}

test('the binary that ships has no failpoints', limit, () => {
  const list = readFileSync(`${root}crates/mobula-fault/src/points.rs`, 'utf8');
  const names = [...list.matchAll(/Point::(?:new|io)\("([^"]+)"\)/g)].map(([, name = '']) => name);
  assert.ok(names.length >= 60, `${names.length} points`);
  assert.deepEqual(foundIn([...names, 'failpointArm', 'failpoint_arm']), []);
});

test(
  'the binary that ships makes no thread-safe function of napi-rs, which Node would keep for each thread',
  limit,
  () => {
    // Its name for the one that it makes in each environment, with the feature "napi4" (Cargo.toml).
    assert.deepEqual(foundIn(['CustomGC']), []);
  },
);
