// Values that stay at other nodes, as their submitter's agent knows them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Commands } from '../../../src/agent/commands.ts';
import { readUnplaced } from '../../../src/agent/data/named.ts';
import type { Peer } from '../../../src/agent/peer.ts';
import { Places } from '../../../src/agent/places.ts';
import { entry, readNumber } from '../../../src/agent/wire/entries.ts';
import { EntryStream, EntryWriter } from '../../../src/agent/wire/entry.ts';
import { named, Plane, peer } from './plane.ts';

/** An agent's places, with what its core and two nodes are told. */
function scene() {
  const plane = new Plane();
  const told: string[] = [];
  const commands: Pick<Commands, 'lose' | 'bring' | 'here' | 'failHere' | 'lostHere'> = {
    lose: (place) => void told.push(`lose ${place}`),
    bring: (place) => void told.push(`bring ${place}`),
    here: (object) => void told.push(`here ${object}`),
    failHere: (object) => void told.push(`fail ${object}`),
    lostHere: (object) => void told.push(`lost ${object}`),
  };
  const [a, b] = [peer('aa00000000000000'), peer('bb00000000000000')];
  const nodes = [a, b];
  const places = new Places({ commands, data: plane, peer: (node) => nodes.find((each) => each.node === node) });
  const add = (number: number): number => places.add(a, { bytes: new Uint8Array(), named: named(number) }).place;
  /** What the core was told since this was asked. */
  const news = (): string[] => told.splice(0);
  return { plane, a, b, places, add, news };
}

/** What a node was told of values that end. */
function ended({ out }: Peer): string[] {
  const all: string[] = [];
  new EntryStream((kind, from) => {
    if (kind === entry.dropped) all.push(`dropped ${readNumber(from)}`);
    else if (kind === entry.unplaced) all.push(`unplaced ${readUnplaced(from).number}`);
  }).feed(out.take());
  return all;
}

describe('values that stay at other nodes', () => {
  it('are fetched when they are needed, stay until nothing needs them, and end where copies of them are', () => {
    const { plane, a, b, places, add, news } = scene();
    const place = add(7);
    places.need(place, 1);
    plane.end(7);
    places.write(new EntryWriter(), place, a.node);
    places.write(new EntryWriter(), place, b.node);
    assert.deepEqual([news(), ended(a), ended(b)], [['here 1'], [], []]);
    places.drop(place);
    assert.deepEqual([news(), ended(a), ended(b), places.size], [[], ['dropped 7'], ['unplaced 7'], 0]);
    places.need(place, 2);
    assert.deepEqual(news(), ['lost 2'], 'it is not known any more');
  });

  it('are an error where they have no room, and lost where their node has lost them', () => {
    const { plane, a, places, add, news } = scene();
    const [one, other] = [add(1), add(2)];
    places.need(one, 1);
    places.need(other, 2);
    plane.end(1, { kind: 'no-room', text: '' });
    plane.end(2, { kind: 'lost', text: '' });
    assert.deepEqual(news(), ['fail 1', 'lost 2', `lose ${other}`]);
    assert.deepEqual([ended(a), places.size], [['dropped 2'], 1], 'others take the first one from its place');
  });

  it('come when their node leaves, but for what has come already; what has no room is made again', () => {
    const { plane, a, places, add, news } = scene();
    const [read, unread, large] = [add(1), add(2), add(3)];
    places.need(read, 1);
    plane.end(1);
    news();
    places.bringAll(a);
    places.bringAll(a);
    assert.deepEqual(news(), [`lose ${read}`, `bring ${unread}`, `bring ${large}`], 'once');
    places.need(unread, 2);
    places.need(large, 3);
    plane.end(2);
    plane.end(3, { kind: 'no-room', text: '' });
    assert.deepEqual(news(), ['here 2', `lose ${unread}`, 'lost 3', `lose ${large}`]);
    assert.deepEqual([ended(a), places.size], [['dropped 1', 'dropped 2', 'dropped 3'], 0]);
  });

  it('come when another node could not fetch them, also while they are on their way', () => {
    const { plane, a, b, places, add, news } = scene();
    const [idle, busy] = [add(1), add(2)];
    places.need(busy, 2);
    places.doubt(b.node, named(1));
    assert.deepEqual(news(), [], 'that is no place');
    for (const number of [1, 1, 2]) places.doubt(a.node, named(number));
    assert.deepEqual(news(), [`bring ${idle}`, `bring ${busy}`]);
    plane.end(2);
    assert.deepEqual(news(), ['here 2', `lose ${busy}`]);
  });

  it('are lost with their node, which is not named any more', () => {
    const { plane, a, places, add, news } = scene();
    const place = add(1);
    const { node } = places.add(a, { bytes: new Uint8Array(), named: named(2) });
    assert.equal(places.nodeOf(node), a.node);
    places.need(place, 1);
    places.forgetPeer(a);
    assert.deepEqual(news(), [`lose ${place}`, 'lost 1', `lose ${place + 1}`]);
    assert.deepEqual([plane.open, places.size, places.nodeOf(node)], [[], 0, undefined]);
  });

  it('are refused where one number names two', () => {
    const { add } = scene();
    add(1);
    assert.throws(() => add(1), /named twice/);
  });
});
