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

// A shutdown looked for streams that nobody reads after the first rounds of news alone.
test('who drains a port hears of news that are read in a later turn of the loop', async () => {
  let left = 10;
  const busy = { ...core, step: () => (left-- > 0 ? 1 : 0) } as unknown as Addon;
  const port = new Port(busy, 0, -1, () => undefined);
  let read = 0;
  const heard: number[] = [];
  port.drain({ read: () => void read++, expects: false }, () => heard.push(read));
  assert.ok(read < 10, 'the loop gets its turn');
  assert.deepEqual(heard, [], 'the first rounds are over when the call is');
  while (left >= 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(read, 10);
  assert.equal(heard.at(-1), 10);
});
