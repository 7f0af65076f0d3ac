import assert from 'node:assert/strict';
import test from 'node:test';
import { MobulaError } from '../../../src/common/errors.ts';
import { type InitOptions, resolveInitOptions } from '../../../src/common/init-options.ts';

const machine = { cpus: 2, memory: 2 ** 30 };

test('checkCaptures is off unless it is switched on', () => {
  assert.equal(resolveInitOptions({}, machine).checkCaptures, false);
  assert.equal(resolveInitOptions({ checkCaptures: true }, machine).checkCaptures, true);
});

test('checkCaptures takes nothing but true and false', () => {
  for (const checkCaptures of ['yes', 1, null]) {
    const options = { checkCaptures } as unknown as InitOptions;
    assert.throws(
      () => resolveInitOptions(options, machine),
      (error) => error instanceof MobulaError && error.message.includes('checkCaptures'),
    );
  }
});
