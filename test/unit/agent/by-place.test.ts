import assert from 'node:assert/strict';
import test from 'node:test';
import { ByPlace } from '../../../src/agent/by-place.ts';
import { Random } from '../../support/random.ts';

test('what lies by place is what a Map has, for small numbers and for those that only a peer makes up', () => {
  const places = [0, 1, 2, 7, 400, 20_000, 2 ** 18, 2 ** 32 - 1];
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed);
    const [real, model] = [new ByPlace<number>(), new Map<number, number>()];
    for (let i = 0; i < 200; i++) {
      const place = places[random.below(places.length)] as number;
      if (random.below(3) === 0) {
        real.delete(place);
        model.delete(place);
      } else {
        real.set(place, i);
        model.set(place, i);
      }
      assert.equal(real.size, model.size);
      assert.deepEqual(new Map(real.entries()), model);
      assert.deepEqual([...real.values()].length, model.size);
      for (const each of places) assert.equal(real.get(each), model.get(each));
    }
    for (const place of places) real.delete(place);
    assert.deepEqual([real.size, [...real.entries()]], [0, []]);
  }
});
