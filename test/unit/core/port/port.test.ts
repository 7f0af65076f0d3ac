import assert from 'node:assert/strict';
import test from 'node:test';
import { Port } from '../../../../src/core/port/port.ts';
import type { Addon } from '../../../../src/native/addon.ts';

/** A core that is told nothing but where the memory lies. */
const core = { attach: () => 0, setRegions: () => undefined } as unknown as Addon;

test('a record of 2 GiB or more is refused before there is memory for it', () => {
  const port = new Port(core, 0, -1, () => undefined);
  const writer = port.begin(16);
  const { bytes } = writer;
  for (const length of [2 ** 31, 2 ** 31 - 1, 2 ** 40]) {
    assert.throws(() => writer.ensure(length), { code: 'ERR_MOBULA_SERIALIZATION', message: /2 GiB or more/ });
  }
  writer.pos += 2 ** 15;
  assert.throws(() => writer.ensure(2 ** 31 - 2 ** 16 - 2 ** 15 + 1), { code: 'ERR_MOBULA_SERIALIZATION' });
  assert.equal(writer.bytes, bytes);
  port.abort();
  // The next record starts where this one did.
  assert.equal(port.begin(1).pos, 0);
});
