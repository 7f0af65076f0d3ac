/** Tasks that their node runs too, and offers to others. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { NodeId, SchedulerEffect } from '../../../src/scheduler/ports.ts';
import { Random } from '../../support/random.ts';
import { ask, Cluster } from './cluster.ts';

/** Nodes of one CPU, of which the first has tasks of its own that take `meanMs`. */
class World {
  readonly cluster = new Cluster(new Random(1));
  #no = 1000;

  constructor(nodes: readonly NodeId[]) {
    for (const id of nodes) this.cluster.addNode(id, { CPU: 10_000 });
    this.cluster.deliverAll();
  }

  /** `home` offers so many tasks, of which so many are out. Gives what the nodes may have then. */
  offer(
    home: NodeId,
    count: number,
    meanMs: number | undefined,
    out: readonly [NodeId, number][] = [],
  ): Record<NodeId, number> {
    this.#no += 1;
    const wishes = [{ line: 1, ask: ask({ strategy: 'elsewhere' }), large: [], count, meanMs, out }];
    const rest = { seen: Number.MAX_SAFE_INTEGER, complete: false, wishes, tasks: [], gone: [] };
    return granted(this.cluster.step({ kind: 'request', from: home, no: this.#no, ...rest }));
  }

  node(id: NodeId) {
    const node = this.cluster.nodes.get(id);
    assert.ok(node !== undefined);
    return node;
  }
}

function granted(effects: readonly SchedulerEffect[]): Record<NodeId, number> {
  const windows: Record<NodeId, number> = {};
  for (const effect of effects) if (effect.kind === 'grant') windows[effect.node] = effect.w;
  return windows;
}

test('another node gets half, and none gets what waits less at home', () => {
  const world = new World(['n0', 'n1']);
  assert.deepEqual(world.offer('n0', 100, 1), { n1: 50 });
  const busy = new World(['n0', 'n1']);
  Object.assign(busy.node('n1'), { queue: 60, meanMs: 1 });
  busy.cluster.report('n1');
  busy.cluster.deliverAll();
  assert.deepEqual(busy.offer('n0', 100, 1), { n1: 20 }, '80 ms at each');
  const all = Object.values(new World(['n0', 'n1', 'n2', 'n3']).offer('n0', 100, 1));
  assert.equal(all.length, 3);
  for (const one of all) assert.ok(one === 25 || one === 26, `${one} of 100 at one of four nodes`);
});

test('the last one goes, as tasks with all CPUs of its own node may run for ever', () => {
  assert.deepEqual(new World(['n0', 'n1']).offer('n0', 1, 1), { n1: 1 });
});

test('what waits for a node that was full is dealt out when that has reported', () => {
  const world = new World(['n0', 'n1']);
  const other = world.node('n1');
  other.own = { CPU: 10_000 };
  world.cluster.report('n1');
  world.cluster.deliverAll();
  assert.deepEqual(world.offer('n0', 100, 1), {});
  other.own = {};
  assert.deepEqual(granted(world.cluster.step(other.report())), { n1: 50 });
});

test('tasks of no time are shared, too', () => {
  const { n1 = 0 } = new World(['n0', 'n1']).offer('n0', 100, 0);
  assert.ok(n1 === 50 || n1 === 51, `${n1} of 100`);
});

test('tasks of which nothing is known are not sent ahead', () => {
  assert.deepEqual(new World(['n0', 'n1']).offer('n0', 100, undefined), { n1: 1 });
});

test('long tasks are not sent ahead', () => {
  assert.deepEqual(new World(['n0', 'n1']).offer('n0', 100, 10_000), { n1: 1 });
});

test('the place of a task that waits in get is free, by what it counts', () => {
  const world = new World(['n0', 'n1']);
  const first = world.offer('n0', 10_000, 1)['n1'] ?? 0;
  assert.equal(first, 250, 'a quarter of a second ahead');
  const other = world.node('n1');
  // All of them wait for others, and no CPU is taken.
  other.lent = [['fn', 250 * 10_000]];
  other.means = [];
  const more = granted(world.cluster.step(other.report()))['n1'] ?? 0;
  assert.ok(more > 490 && more <= 500, `room for ${more}`);
});
