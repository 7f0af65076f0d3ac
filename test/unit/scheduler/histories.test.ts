import assert from 'node:assert/strict';
import test from 'node:test';
import { AGED_MS } from '../../../src/scheduler/lines.ts';
import type { Ask } from '../../../src/scheduler/ports.ts';
import { Random } from '../../support/random.ts';
import { ask, Cluster } from './cluster.ts';
import type { ModelNode } from './model-node.ts';
import type { Submitter } from './submitter.ts';

const SEEDS = 80;
const JOBS = ['a', 'b', 'c'];

/** A demand that some node of the cluster can always cover. */
function anyAsk(random: Random): Ask {
  const demand: Record<string, number> = {};
  if (random.below(8) > 0) demand['CPU'] = [10_000, 5_000, 20_000, 1][random.below(4)] ?? 1;
  if (random.below(6) === 0) demand['GPU'] = 10_000;
  return ask({
    job: JOBS[random.below(JOBS.length)] ?? '',
    fn: `f${random.below(4)}`,
    priority: random.below(3),
    demand,
    strategy: random.below(5) === 0 ? 'spread' : 'default',
  });
}

function newCluster(random: Random): Cluster {
  const cluster = new Cluster(random);
  cluster.addNode('n0', { CPU: 40_000, GPU: 20_000 });
  cluster.addNode('n1', { CPU: 20_000, GPU: 10_000 });
  for (let i = 2; i < 2 + random.below(3); i++) cluster.addNode(`n${i}`, { CPU: 20_000 });
  cluster.addNode('d', { CPU: 0 });
  return cluster;
}

const pick = <T>(random: Random, from: readonly T[]): T | undefined => from[random.below(from.length)];

/** Things that may happen, and how often. */
const happenings: readonly (readonly [number, (cluster: Cluster, submitter: Submitter, node: ModelNode) => void])[] = [
  [
    15,
    (cluster, submitter) => {
      const line = cluster.random.below(5);
      submitter.submit(line, submitter.lines.get(line)?.ask ?? anyAsk(cluster.random), 1 + cluster.random.below(12));
      cluster.request(submitter.id);
    },
  ],
  [
    7,
    (cluster, submitter, node) => {
      const large = cluster.random.below(2) === 0 ? [{ bytes: cluster.random.below(1e9), places: [node.id] }] : [];
      cluster.tasks += 1;
      submitter.submitTask(`t${cluster.tasks}`, anyAsk(cluster.random), large);
      cluster.request(submitter.id);
    },
  ],
  [
    18,
    (cluster, submitter) => {
      const out = pick(cluster.random, submitter.outs());
      if (out === undefined) return;
      if (typeof out[0] === 'number') submitter.finish(out[0], out[1]);
      else if (cluster.random.below(4) === 0) submitter.refuse(out[0]);
      else submitter.finishTask(out[0]);
      if (cluster.random.below(2) === 0) cluster.request(submitter.id);
    },
  ],
  [
    15,
    (cluster, _, node) => {
      node.own = { CPU: cluster.random.below((node.total['CPU'] ?? 0) / 2 + 1) };
      node.queue = cluster.random.below(20);
      cluster.report(node.id);
    },
  ],
  [40, (cluster) => cluster.deliver()],
  [
    0.5,
    (cluster, _, { id }) => {
      if (id === 'n0' || id === 'd') return;
      cluster.kill(id);
      cluster.addNode(`${id}'`, { CPU: 20_000, GPU: 10_000 });
    },
  ],
  [0.5, (cluster) => cluster.restartScheduler()],
  [
    4,
    (cluster) => {
      // A scheduler that starts without having heard everybody, after a second, may send more than there is.
      if (cluster.state.ready) cluster.now += cluster.random.below(200);
    },
  ],
];

/** One thing that may happen. */
function disturb(cluster: Cluster): void {
  const submitter = pick(cluster.random, [...cluster.submitters.values()]);
  const node = pick(cluster.random, [...cluster.nodes.values()]);
  if (submitter === undefined || node === undefined) return;
  let chosen = cluster.random.next() * happenings.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, happen] of happenings) {
    chosen -= weight;
    if (chosen >= 0) continue;
    happen(cluster, submitter, node);
    return;
  }
}

/** From now on nothing is submitted and tasks end: all of them must have run in the end. */
function drain(cluster: Cluster): void {
  for (let round = 0; round < 400; round++) {
    cluster.now += 50;
    for (const node of cluster.nodes.values()) node.own = {};
    for (const id of cluster.nodes.keys()) {
      cluster.request(id);
      cluster.report(id);
    }
    cluster.deliverAll();
    let left = 0;
    for (const submitter of cluster.submitters.values()) {
      left += submitter.waiting();
      for (const [what, node] of submitter.outs()) {
        left += 1;
        if (typeof what === 'number') submitter.finish(what, node);
        else submitter.finishTask(what);
      }
    }
    if (left === 0) return;
  }
  const stuck = [...cluster.submitters.values()].filter((submitter) => submitter.waiting() > 0);
  assert.fail(`never granted: ${stuck.map(({ id, lines, tasks }) => `${id} ${lines.size} ${[...tasks.keys()]}`)}`);
}

function run(seed: number): Cluster {
  const random = new Random(seed);
  const cluster = newCluster(random);
  for (let i = 0; i < 1_500; i++) disturb(cluster);
  drain(cluster);
  return cluster;
}

test('whatever happens, no node is sent more than it has, and every task is granted in the end', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      const cluster = run(seed);
      for (const submitter of cluster.submitters.values()) assert.deepEqual(submitter.failed, []);
      // What ended is forgotten: one more round, and nothing is left.
      for (const id of cluster.nodes.keys()) cluster.request(id, true);
      cluster.deliverAll();
      for (const id of cluster.nodes.keys()) cluster.request(id, true);
      cluster.deliverAll();
      for (const node of cluster.state.list) {
        assert.equal(node.windows.length, 0);
        assert.ok(node.used.every((used) => used === 0));
      }
      for (const { lines, tasks, shrunk } of cluster.state.submitters.values())
        assert.equal(lines.size + tasks.size + shrunk.size, 0);
      assert.equal(cluster.state.unmet.levels.length + cluster.state.hungry.size + cluster.state.unable.size, 0);
    } catch (error) {
      throw new Error(`seed ${seed}: ${error}`, { cause: error });
    }
  }
});

test('one seed gives one history', () => {
  for (const seed of [3, 7, 11]) assert.deepEqual(run(seed).log, run(seed).log);
});

/** `rounds` rounds in which one task of each node ends, chosen at random, and everybody reports. */
function turnOver(cluster: Cluster, rounds: number, each: () => void): void {
  for (let round = 0; round < rounds; round++) {
    cluster.now += 50;
    for (const id of cluster.nodes.keys()) {
      const outs = [...cluster.submitters.values()].flatMap((submitter) =>
        submitter.outs().flatMap(([line, node]) => (node === id ? [{ submitter, line }] : [])),
      );
      const out = pick(cluster.random, outs);
      if (out !== undefined && typeof out.line === 'number') out.submitter.finish(out.line, id);
    }
    for (const id of cluster.nodes.keys()) cluster.request(id);
    cluster.deliverAll();
    for (const id of cluster.nodes.keys()) cluster.report(id);
    cluster.deliverAll();
    for (const id of cluster.nodes.keys()) cluster.request(id);
    cluster.deliverAll();
    each();
  }
}

test('jobs of one priority share every node: none has more than one task more than another that waits', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed);
    const cluster = new Cluster(random);
    for (const id of ['n0', 'n1', 'n2']) cluster.addNode(id, { CPU: 80_000 });
    const jobs = ['a', 'b', 'c', 'd'];
    for (const job of jobs) {
      cluster.addNode(`d-${job}`, {});
      // The first job comes alone and takes everything.
      cluster.submitters.get(`d-${job}`)?.submit(1, ask({ job }), 100_000);
      cluster.deliverAll();
      turnOver(cluster, 3, () => undefined);
    }
    turnOver(cluster, 400, () => undefined);
    for (const id of ['n0', 'n1', 'n2']) {
      const has = jobs.map(
        (job) =>
          cluster.submitters
            .get(`d-${job}`)
            ?.outs()
            .filter(([, at]) => at === id).length ?? 0,
      );
      assert.ok(Math.max(...has) - Math.min(...has) <= 1, `seed ${seed}: ${id} ${has}`);
      assert.equal(
        has.reduce((sum, n) => sum + n, 0),
        8,
      );
    }
  }
});

test('of more jobs than a node has places each has its turn', () => {
  const cluster = new Cluster(new Random(5));
  cluster.addNode('n0', { CPU: 20_000 });
  const jobs = Array.from({ length: 7 }, (_, i) => `j${i}`);
  for (const job of jobs) {
    cluster.addNode(job, {});
    cluster.submitters.get(job)?.submit(1, ask({ job }), 10_000);
  }
  cluster.deliverAll();
  const before = new Map<string, number>();
  const left = (job: string) => cluster.submitters.get(job)?.waiting() ?? 0;
  turnOver(cluster, 50, () => undefined);
  for (const job of jobs) before.set(job, left(job));
  turnOver(cluster, 350, () => undefined);
  const ran = jobs.map((job) => (before.get(job) ?? 0) - left(job));
  // Turns are equal; a job whose task ends before the next report runs two in its turn.
  assert.ok(Math.max(...ran) <= 1.5 * Math.min(...ran), `tasks by job: ${ran}`);
});

test('a higher priority has every place that becomes free; a lower one has a turn after ten seconds all the same', () => {
  const cluster = new Cluster(new Random(9));
  cluster.addNode('n0', { CPU: 20_000 });
  cluster.addNode('low', {});
  cluster.addNode('high', {});
  const high = cluster.submitters.get('high');
  const low = cluster.submitters.get('low');
  high?.submit(1, ask({ job: 'high', priority: 1 }), 1_000_000);
  low?.submit(1, ask({ job: 'low' }), 100);
  cluster.deliverAll();
  const begun: number[] = [];
  let left = low?.waiting() ?? 0;
  const start = cluster.now;
  turnOver(cluster, 1_000, () => {
    const now = low?.waiting() ?? 0;
    if (now < left) begun.push(cluster.now - start);
    left = now;
  });
  // 50 s: one task every AGED_MS, and the reports and the end of a task that it takes to get there.
  assert.ok(begun.length >= 4 && begun.length <= 5, `begun at ${begun}`);
  for (const [i, at] of begun.entries()) assert.ok(at - (begun[i - 1] ?? 0) <= AGED_MS + 300, `begun at ${begun}`);
});
