import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isMobulaError } from '../../../src/common/errors.ts';
import { readToken } from '../../../src/transport/proof/token.ts';

const folder = mkdtempSync(join(tmpdir(), 'mobula-token-'));
after(() => rmSync(folder, { recursive: true }));
const fileOf = (text: string, mode: number): string => {
  const file = join(folder, `${mode}-${text.length}`);
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
};
const refused =
  (pattern: RegExp) =>
  (error: unknown): boolean =>
    isMobulaError(error) && error.code === 'ERR_MOBULA_UNAUTHORIZED' && pattern.test(error.message);

test('the environment comes before the file, and both are trimmed', () => {
  const file = fileOf('from the file\n', 0o600);
  assert.equal(readToken({ MOBULA_AUTH_TOKEN: ' given ' }, file), 'given');
  assert.equal(readToken({ MOBULA_AUTH_TOKEN: '' }, file), 'from the file');
  assert.equal(readToken({}, file), 'from the file');
});

test('without a token the error says where one comes from', () => {
  assert.throws(() => readToken({}, join(folder, 'none')), refused(/MOBULA_AUTH_TOKEN.*auth_token/));
});

test('a file that others may read, an empty one, and one that cannot be read are refused, and nothing else is tried', () => {
  for (const mode of [0o640, 0o604, 0o660, 0o777]) {
    const file = fileOf('secret', mode);
    assert.throws(() => readToken({}, file), refused(new RegExp(`chmod 600 ${file}`)));
    assert.throws(
      () => readToken({}, file),
      (error) => !String(error).includes('secret'),
    );
  }
  assert.throws(() => readToken({}, fileOf('\n', 0o600)), refused(/is empty/));
  assert.throws(() => readToken({}, join(fileOf('x', 0o600), 'below')), refused(/cannot be read/));
});
