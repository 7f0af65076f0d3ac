/** A tree of tasks that submit tasks, and a burst of short ones of one task, on the nodes of a cluster of processes; where they ran. */
import { startCluster } from '../../dist/testing/index.js';
import { check, parameters, report } from '../lib/child.mjs';
import { context, get, init, remote, shutdown } from '../lib/mobula.mjs';
import { median } from '../lib/stats.mjs';

const { nodes, fanOut = 10, depth = 5, rounds = 5, burst = 10_000, burstUs = 2 } = parameters;

const cluster = await startCluster({ nodes: nodes.map((numCpus) => ({ numCpus })) });
await init({ address: cluster.address });

/** Sums of what each task of a subtree says: how many ran at each node, and how many elsewhere than what submitted them. */
const walk = remote(async (depth, from) => {
  const { nodeId } = context();
  const all = { at: { [nodeId]: 1 }, forwarded: from === nodeId ? 0 : 1 };
  if (depth === 0) return all;
  const children = Array.from({ length: fanOut }, () => walk.remote(depth - 1, nodeId));
  for (const { at, forwarded } of await get(children)) {
    for (const [node, count] of Object.entries(at)) all.at[node] = (all.at[node] ?? 0) + count;
    all.forwarded += forwarded;
  }
  return all;
});
const size = (fanOut ** (depth + 1) - 1) / (fanOut - 1);

const short = remote((from) => {
  const end = performance.now() + burstUs / 1000;
  while (performance.now() < end);
  return context().nodeId === from ? 0 : 1;
});
const burstOf = remote(async (count) => {
  const { nodeId } = context();
  const elsewhere = await get(Array.from({ length: count }, () => short.remote(nodeId)));
  return elsewhere.reduce((sum, each) => sum + each, 0);
});

const trees = [];
// Cold code and functions of which nothing is known: on both sides the first one is not counted.
await get(walk.remote(depth, ''));
for (let round = 0; round < rounds; round += 1) {
  const started = performance.now();
  const { at, forwarded } = await get(walk.remote(depth, ''));
  const ms = performance.now() - started;
  const counts = Object.values(at);
  check(counts.reduce((sum, count) => sum + count, 0) === size, 'the tree has another size');
  const least = counts.length < nodes.length ? 0 : Math.min(...counts);
  trees.push({ rate: (1000 * size) / ms, least: (100 * least) / size, forwarded: (100 * forwarded) / size });
}
// The first one is cold: what the function takes is not known yet.
await get(burstOf.remote(burst));
const bursts = [];
for (let round = 0; round < rounds; round += 1) bursts.push(await get(burstOf.remote(burst)));
const middle = (of) => median(trees.map(of));
report({
  rate: middle(({ rate }) => rate),
  least: middle(({ least }) => least),
  forwarded: middle(({ forwarded }) => forwarded),
  burst: median(bursts),
});
await shutdown();
await cluster.stop();
