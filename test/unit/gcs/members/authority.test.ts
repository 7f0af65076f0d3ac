import assert from 'node:assert/strict';
import test from 'node:test';
import { row, World } from './world.ts';

test('a node is suspected after a second of silence, and dead after the timeout', () => {
  const world = new World();
  world.tell({ kind: 'register', link: 1, row: row('a') });
  world.pass(900);
  assert.deepEqual(world.take('suspected'), []);
  world.pass(200);
  assert.deepEqual(world.take('suspected'), [{ kind: 'suspected', node: 'a', suspected: true }]);
  world.tell({ kind: 'report', link: 1, node: 'a', no: 1 });
  assert.deepEqual(world.take('suspected'), [{ kind: 'suspected', node: 'a', suspected: false }]);
  world.pass(4_900);
  assert.equal(world.isDead('a'), false);
  world.pass(200);
  assert.equal(world.isDead('a'), true);
  world.tell({ kind: 'register', link: 2, row: row('a') });
  assert.equal(world.take('dead').at(-1)?.kind, 'dead');
});

test('a head that stalls again and again excuses nobody who is dead, and kills nobody who lives', () => {
  const world = new World();
  for (const id of ['lives', 'dies']) world.tell({ kind: 'register', link: 1, row: row(id) });
  // 250 ms of each second.
  for (let second = 0; second < 20; second++) {
    world.pass(700, ['lives']);
    world.stall(350, ['lives']);
  }
  assert.equal(world.isDead('lives'), false);
  assert.equal(world.isDead('dies'), true);
});

test('a head that stands still for longer than the timeout, a hundred times, kills nobody who lives', () => {
  const world = new World();
  world.tell({ kind: 'register', link: 1, row: row('a') });
  for (let i = 0; i < 100; i++) {
    world.stall(6_000, ['a']);
    world.pass(100, ['a']);
  }
  assert.equal(world.isDead('a'), false);
  world.pass(5_100);
  assert.equal(world.isDead('a'), true);
});

test('after a restart nodes have a minute from the moment at which it begins', () => {
  const world = new World([row('returns'), row('gone')]);
  world.pass(59_900);
  world.tell({ kind: 'register', link: 1, row: row('returns') });
  assert.equal(world.isDead('gone'), false);
  world.pass(300, ['returns']);
  assert.equal(world.isDead('gone'), true);
  assert.equal(world.isDead('returns'), false);
});

test('nothing is said before it is on the disk, and a node on a new connection is spoken to there', () => {
  const world = new World();
  world.held = true;
  world.tell({ kind: 'register', link: 1, row: row('a') });
  world.tell({ kind: 'job', link: 1, node: 'a', no: 1, name: '', namespace: '' });
  world.tell({ kind: 'job', link: 1, node: 'a', no: 1, name: '', namespace: '' });
  assert.deepEqual(world.take('registered'), []);
  world.tell({ kind: 'closed', link: 1, node: 'a' });
  world.tell({ kind: 'register', link: 2, row: row('a') });
  world.land();
  assert.deepEqual(
    world.said.filter(({ kind }) => kind !== 'write'),
    [
      { kind: 'job-is', link: 1, no: 1, job: 1 },
      { kind: 'job-is', link: 1, no: 1, job: 1 },
      { kind: 'registered', link: 2 },
      { kind: 'again', node: 'a' },
    ],
  );
});

test('dead nodes and ended jobs do not add up', () => {
  const world = new World();
  for (let i = 0; i < 1_500; i++) {
    const node = String(i);
    world.tell({ kind: 'register', link: i, row: row(node) });
    world.tell({ kind: 'job', link: i, node, no: 1, name: '', namespace: '' });
    world.tell({ kind: 'bye', link: i, node });
  }
  assert.deepEqual(
    [world.state.dead.size, world.state.jobs.size, world.state.ended.size, world.state.writes.size],
    [1_000, 1_000, 1_000, 0],
  );
  const forgotten = world.said.flatMap((effect) => (effect.kind === 'write' ? effect.changes : []));
  assert.equal(forgotten.filter(({ kind }) => kind === 'forget-node').length, 500);
  assert.equal(forgotten.filter(({ kind }) => kind === 'forget-job').length, 500);
});

test('a registration that comes late, on a connection that the node has given up, does not take it from the newer one', () => {
  const world = new World();
  world.held = true;
  world.tell({ kind: 'register', link: 2, row: row('a') });
  world.tell({ kind: 'register', link: 1, row: row('a') });
  world.tell({ kind: 'closed', link: 1, node: 'a' });
  world.land();
  assert.deepEqual(world.take('registered'), [{ kind: 'registered', link: 2 }]);
});

test('a driver is dead on the disk before its job is over there: a head that ends between the two ends the job later', () => {
  const world = new World();
  world.join(row('d', { driver: true }));
  world.tell({ kind: 'job', link: 1, node: 'd', no: 1, name: '', namespace: '' });
  world.take('write');
  world.tell({ kind: 'exited', node: 'd', cause: 'killed', begun: undefined });
  const changes = world.take('write').flatMap((effect) => (effect.kind === 'write' ? effect.changes : []));
  const kinds = changes.map(({ kind }) => kind).filter((kind) => kind === 'node' || kind === 'job');
  assert.deepEqual(kinds, ['node', 'job']);
});
