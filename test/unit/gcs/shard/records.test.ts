import assert from 'node:assert/strict';
import test from 'node:test';
import { Records } from '../../../../src/gcs/tables/records.ts';
import { Random } from '../../../support/random.ts';

function put(records: Records, key: Buffer, value: Buffer, seq: number): void {
  const both = Buffer.concat([Buffer.from('xx'), key, value]);
  records.put(records.find(key, 0, key.length), both, 2, key.length, value.length, seq);
}

test('records are what a Map would have, whatever is written and deleted', () => {
  for (let seed = 1; seed <= 5; seed++) {
    const random = new Random(seed);
    const records = new Records();
    const model = new Map<string, { value: Buffer; seq: number }>();
    for (let seq = 1; seq <= 20_000; seq++) {
      const key = Buffer.from(`k${random.below(3_000)}`);
      if (random.below(3) === 0) {
        const slot = records.find(key, 0, key.length);
        assert.equal(slot >= 0, model.delete(key.toString()));
        if (slot >= 0) records.delete(slot);
        continue;
      }
      const length = random.below(500) === 0 ? random.below(400_000) : random.below(1_500);
      const value = Buffer.alloc(length, seq);
      put(records, key, value, seq);
      model.set(key.toString(), { value, seq });
    }
    assert.equal(records.size, model.size);
    const again = new Records();
    for (const [key, { value, seq }] of model) {
      const slot = records.find(Buffer.from(key), 0, key.length);
      assert.ok(records.value(slot).equals(value));
      assert.equal(records.seq(slot), seq);
      put(again, Buffer.from(key), value, seq);
    }
    assert.equal(again.digest, records.digest);
    const before = records.digest;
    const [first] = model.keys();
    put(records, Buffer.from(first ?? ''), Buffer.alloc(1), 1e15);
    assert.notEqual(records.digest, before);
  }
});

test('memory of deleted records is used again', () => {
  const records = new Records();
  const key = (n: number) => Buffer.from(`key ${n}`);
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 1_000; i++) put(records, key(round * 1_000 + i), Buffer.alloc(900), 1);
    for (let i = 0; i < 1_000; i++)
      records.delete(records.find(key(round * 1_000 + i), 0, key(round * 1_000 + i).length));
  }
  assert.equal(records.slabs.bytes, 0);
  assert.equal(records.slabs.buffers.length, 1);
});
