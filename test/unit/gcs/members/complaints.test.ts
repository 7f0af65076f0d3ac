// Of two nodes that reach the head and not one another, one goes: which one, when, and that nobody else does.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { NodeRow } from '../../../../src/gcs/tables/members.ts';
import { row, World } from './world.ts';

/** The time after which the choice is made. */
const WAIT_MS = 5_000;
const driver = (nodeId: string): NodeRow => row(nodeId, { driver: true });

/** Nodes that came, complained, and were heard of until the choice was made. */
function judged(nodes: readonly NodeRow[], ...complaints: readonly (readonly [node: string, of: string])[]): World {
  const world = new World();
  world.join(...nodes);
  for (const [node, of] of complaints) world.complain(node, of);
  world.pass(
    WAIT_MS,
    nodes.map(({ nodeId }) => nodeId),
  );
  return world;
}

const deadOf = (world: World): string[] => Object.keys(world.dead);

test('one of the two dies, whether one complains or both; its row says why, and it is told', () => {
  for (const complaints of [
    [['a', 'b']],
    [['b', 'a']],
    [
      ['a', 'b'],
      ['b', 'a'],
      ['a', 'b'],
    ],
  ] as const) {
    const world = judged([row('a'), row('b'), row('c')], ...complaints);
    const cause = 'nodes a and b cannot reach one another: silence';
    assert.deepEqual(world.dead, { b: cause }, 'equal: the higher id');
    const rows = world.said.flatMap((effect) => (effect.kind === 'write' ? effect.changes : []));
    assert.deepEqual(rows.filter((change) => change.kind === 'node').at(-1), {
      kind: 'node',
      row: { ...row('b'), alive: false, cause },
    });
    assert.deepEqual(
      world.said.find(({ kind }) => kind === 'dead'),
      { kind: 'dead', link: 2, cause },
    );
    world.pass(10 * WAIT_MS, ['a', 'c']);
    assert.deepEqual(deadOf(world), ['b']);
  }
});

test('the choice waits for the complaints of others: a node that nobody reaches goes, and no other', () => {
  for (const broken of ['a', 'm', 'z']) {
    const others = ['b', 'c', 'd'];
    const world = new World();
    world.join(...[broken, ...others].map((id) => row(id)));
    for (const [i, other] of others.entries()) {
      // Some complain of it, and of others it complains: a liar is no better off.
      if (i === 1) world.complain(other, broken);
      else world.complain(broken, other);
      world.pass(1_000, [broken, ...others]);
    }
    assert.deepEqual(deadOf(world), []);
    world.pass(2 * WAIT_MS, others.concat(broken));
    assert.deepEqual(deadOf(world), [broken]);
  }
});

test('a broken node that falls out with others one after another outlives one of them', () => {
  const others = ['b', 'c', 'd'];
  const world = judged([row('a'), ...others.map((id) => row(id))], ['a', 'b']);
  assert.deepEqual(deadOf(world), ['b'], 'nobody can know better');
  world.complain('a', 'c');
  world.pass(WAIT_MS, ['a', 'c', 'd']);
  assert.deepEqual(deadOf(world), ['b', 'a']);
});

test('drivers go last', () => {
  assert.deepEqual(deadOf(judged([driver('z'), row('a')], ['z', 'a'])), ['a']);
  assert.deepEqual(deadOf(judged([driver('a'), row('z')], ['z', 'a'])), ['z']);
  assert.deepEqual(deadOf(judged([driver('a'), driver('z')], ['a', 'z'])), ['z']);
  // Two of five nodes are broken.
  const nodes = ['a', 'b', 'c', 'd', 'e'].map((id) => row(id));
  assert.deepEqual(deadOf(judged([driver('z'), ...nodes], ['z', 'a'], ['z', 'b'])), ['a', 'b']);
});

test('a driver that the cluster is out of reach of goes, and not the nodes', () => {
  const nodes = ['a', 'b', 'c', 'd', 'e'].map((id) => row(id));
  assert.deepEqual(deadOf(judged([driver('z'), ...nodes], ['z', 'a'], ['z', 'b'], ['z', 'c'])), ['z']);
  // But where the nodes are at odds with others, too, it is they.
  const both = [['z', 'a'] as const, ['z', 'b'] as const];
  const more = judged([driver('y'), driver('z'), ...nodes.slice(0, 2)], ...both, ['y', 'a'], ['y', 'b']);
  assert.deepEqual(deadOf(more), ['a', 'b']);
});

test('what is said of the dead, by the dead, by nobody, or of oneself counts for nothing', () => {
  const world = new World();
  world.join(row('a'), row('b'), row('c'));
  world.complain('a', 'c');
  world.complain('b', 'c');
  world.tell({ kind: 'bye', link: 3, node: 'c' });
  for (const [node, of] of [
    ['c', 'a'],
    ['a', 'c'],
    ['nobody', 'a'],
    ['a', 'nobody'],
    ['a', 'a'],
  ] as const)
    world.complain(node, of);
  assert.equal(world.said.at(-1)?.kind, 'dead', 'a dead node is told so');
  world.pass(2 * WAIT_MS, ['a', 'b']);
  assert.deepEqual(world.dead, { c: 'it has left' });
  assert.deepEqual([...(world.state.living.get('a')?.standing.complaints ?? [])], []);
});

test('what comes after a node on its host begins with its complaints', () => {
  const on = (nodeId: string, host: string): NodeRow => row(nodeId, { host });
  // Of equals the higher id goes, so by their ids alone the second to die would be another one.
  const world = judged([on('x', 'bad'), on('a', 'good'), on('b', 'better'), on('p', 'other')], ['x', 'a']);
  assert.deepEqual(deadOf(world), ['x']);
  // Neither a driver of that host takes its place, nor a node that only connects again.
  world.join(row('0d', { driver: true, host: 'bad' }), on('p', 'bad'), on('0x', 'bad'));
  world.complain('b', '0x');
  world.pass(WAIT_MS, ['a', 'b', '0x', '0d', 'p']);
  assert.deepEqual(deadOf(world), ['x', '0x']);
  world.join(on('00x', 'bad'));
  assert.equal(world.state.living.get('00x')?.standing.inherited, 2);
  // It lost its place by no complaint: the one after it begins anew.
  world.tell({ kind: 'bye', link: 1, node: '00x' });
  world.join(on('000x', 'bad'));
  assert.equal(world.state.living.get('000x')?.standing.inherited, 0);
});

test('a node keeps what counts against it on a new connection', () => {
  const world = judged([row('a'), row('b')], ['a', 'b']);
  world.join(row('c', { host: 'host of b' }));
  world.complain('a', 'c');
  world.join(row('c', { host: 'host of b' }));
  assert.equal(world.state.living.get('c')?.standing.inherited, 1);
  world.pass(WAIT_MS, ['a', 'c']);
  assert.deepEqual(deadOf(world), ['b', 'c']);
});

test('hosts that are remembered do not add up', () => {
  const world = new World();
  world.join(driver('a'));
  for (let i = 0; i < 1_200; i++) {
    world.join(row(`b${i}`));
    world.complain('a', `b${i}`);
    world.pass(WAIT_MS, ['a', `b${i}`]);
  }
  assert.equal(world.state.dead.size, 1_000);
  assert.equal(world.state.heirs.size, 1_000);
  assert.equal(world.state.heirs.has('host of b1199'), true);
});

test('a stall of the head is none of the time for others to complain', () => {
  const world = new World();
  world.join(row('a'), row('b'), row('c'));
  world.complain('a', 'b');
  for (let i = 0; i < 5; i++) world.stall(10_000, ['a', 'b', 'c']);
  assert.deepEqual(deadOf(world), []);
  world.complain('a', 'c');
  world.pass(2 * WAIT_MS, ['a', 'b', 'c']);
  assert.deepEqual(deadOf(world), ['a']);
});

test('nobody goes for a node that is silent: that one dies of it', () => {
  const world = new World();
  world.join(row('a'), row('z'));
  world.complain('z', 'a');
  world.pass(2 * WAIT_MS, ['z']);
  assert.deepEqual(Object.keys(world.dead), ['a']);
  assert.match(world.dead['a'] ?? '', /nothing was heard/);
});

test('after a restart of the head, nobody goes for a node that has not come back', () => {
  const world = new World([row('a'), row('z')]);
  world.tell({ kind: 'register', link: 1, row: row('z') });
  world.complain('z', 'a');
  world.pass(59_900, ['z']);
  assert.deepEqual(deadOf(world), []);
  world.tell({ kind: 'register', link: 2, row: row('a') });
  world.pass(200, ['a', 'z']);
  assert.deepEqual(deadOf(world), ['z'], 'it was there all the time, and has the higher id');
});
