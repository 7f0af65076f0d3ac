// Schedule 13: two nodes reach the head, and not one another, while connections break and heads are started again.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Random } from '../../../support/random.ts';
import { Cluster, type Node } from './apart-world.ts';
import { row } from './world.ts';

const SEEDS = Number(process.env['MOBULA_SEEDS'] ?? 200);
const FAULTS_MS = 15_000;
const ALL_MS = 60_000;

/** Two nodes fall out; gives what happened. */
function history(seed: number): Cluster['happened'] {
  const dice = new Random(seed);
  const driver = ['', '05', '06'][dice.below(3)];
  const pair = ['05', '06'].map((id) => row(id, { driver: id === driver }));
  const goes = driver === '06' ? '05' : '06';
  if (dice.below(2) === 0) pair.reverse();
  const cluster = new Cluster(seed, [...pair, row('01'), row('09')]);
  const [one, two] = cluster.nodes as [Node, Node];
  const complain = (node: Node, of: Node): void =>
    cluster.in(1_000 + dice.below(FAULTS_MS), () => {
      if (node.buried.has(of.row.nodeId)) return;
      cluster.tell(node, { kind: 'complain', of: of.row.nodeId, why: 'silence' });
    });
  complain(one, two);
  if (dice.below(2) === 0) complain(two, one);
  for (let i = dice.below(12); i > 0; i--)
    cluster.in(dice.below(FAULTS_MS), () => cluster.cut(cluster.nodes[dice.below(4)] as Node));
  if (dice.below(3) === 0) cluster.in(3_000 + dice.below(FAULTS_MS), () => cluster.restart());
  cluster.run(ALL_MS);

  const dead = [...cluster.rows.values()].filter(({ alive }) => !alive);
  const what = `seed ${seed}: ${JSON.stringify(dead)}`;
  assert.deepEqual([...cluster.rows.keys()].sort(), ['01', '05', '06', '09'], what);
  assert.deepEqual(
    dead.map(({ nodeId }) => nodeId),
    [goes],
    what,
  );
  // Told that it was dead by a head that was killed before its disk had it, it does not come back to the next one.
  const expected =
    cluster.happened.restarts > 0 ? /cannot reach|nothing was heard/ : /^nodes 0[56] and 0[56] cannot reach/;
  assert.match(dead[0]?.cause ?? '', expected, what);
  for (const node of cluster.nodes) {
    assert.equal(node.ended !== undefined, node.row.nodeId === goes, what);
    if (node.ended === undefined) assert.equal(node.state.complaints.size, 0, what);
  }
  return cluster.happened;
}

test(`of two nodes that reach the head and not one another, one dies, whatever comes when (${SEEDS} seeds)`, () => {
  const all = { breaks: 0, restarts: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { breaks, restarts } = history(seed);
    all.breaks += breaks;
    all.restarts += restarts;
  }
  assert.ok(all.breaks > SEEDS && all.restarts > SEEDS / 10, JSON.stringify(all));
});
