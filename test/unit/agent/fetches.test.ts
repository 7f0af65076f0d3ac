// How fetches end: of the values of one answer, and of each by itself.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Results } from '../../../src/agent/data/results.ts';
import { judge } from '../../../src/boot/net-end.ts';
import { named, Plane, peer } from './plane.ts';

describe('results', () => {
  const fetch = (plane: Plane, told: string[]): Results => {
    const results = new Results(plane, peer(), [named(1), named(2)], (failed) => told.push(failed?.kind ?? 'here'));
    results.begin();
    return results;
  };

  it('are complete when all are here; what was not taken is let go', () => {
    const plane = new Plane();
    const told: string[] = [];
    const results = fetch(plane, told);
    plane.end(2);
    assert.deepEqual(told, []);
    plane.end(1);
    assert.deepEqual(told, ['here']);
    const [taken] = results.buffersOf(named(1));
    results.drop();
    assert.deepEqual([...plane.refs], [[taken, 1]]);
  });

  it('that cannot come are told once; nothing is told of those that were dropped', () => {
    const plane = new Plane();
    const told: string[] = [];
    const results = fetch(plane, told);
    plane.end(1);
    plane.end(2, { kind: 'lost', text: '' });
    results.drop();
    fetch(plane, told).drop();
    assert.deepEqual([told, plane.refs.size, plane.open], [['lost'], 0, []]);
    assert.throws(() => new Results(plane, peer(), [named(1), named(1)], () => undefined), /named twice/);
  });
});

describe('the end of a fetch', () => {
  const ends = (kind: number, times: number, reachMs: number): readonly unknown[] => {
    const tries = { got: 0, waits: 0, breaks: 0, rooms: 0 };
    return Array.from({ length: times }, (_, i) => {
      const verdict = judge({ kind, got: 0 }, tries, i * 1000, reachMs);
      return verdict.kind === 'again' ? verdict.ms : verdict.kind;
    });
  };

  it('is repeated later and later, for as long as a node may be away, or some sixty times where it breaks', () => {
    assert.deepEqual(ends(1, 8, 7000), [20, 40, 80, 160, 320, 640, 1000, 'apart']);
    assert.equal(ends(8, 4, 3000).at(-1), 'no-room');
    const broken = ends(5, 61, 1);
    assert.ok(broken.slice(0, 60).every((each) => typeof each === 'number'));
    assert.equal(broken[60], 'apart');
  });

  it('counts anew once something has come, and once the node was reached', () => {
    const tries = { got: 0, waits: 9, breaks: 60, rooms: 0, awaySince: 0 };
    assert.deepEqual(judge({ kind: 5, got: 1 }, tries, 9000, 7000), { kind: 'again', ms: 20 });
    // What an earlier one has left is nothing new.
    assert.deepEqual(judge({ kind: 1, got: 1 }, tries, 9000, 7000), { kind: 'again', ms: 40 });
    assert.deepEqual(judge({ kind: 11, got: 0 }, tries, 15_000, 7000), { kind: 'make-room' });
    assert.deepEqual(judge({ kind: 1, got: 0 }, tries, 16_001, 7000), { kind: 'again', ms: 80 });
  });

  it('is the end where nothing helps, and makes room a few times', () => {
    for (const [kind, is] of [
      [0, 'here'],
      [6, 'apart'],
      [7, 'lost'],
      [9, 'apart'],
      [13, 'over'],
    ] as const) {
      assert.deepEqual(ends(kind, 1, 1000), [is]);
    }
    const room = ends(11, 13, 1);
    assert.ok(room.slice(0, 12).every((each) => each === 'make-room'));
    assert.equal(room[12], 'no-room');
  });
});
