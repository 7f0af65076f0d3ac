/** Tasks that submit tasks: every node of a tree submits its children and gets their sizes. */
import { check, parameters, report } from '../lib/child.mjs';
import { get, init, remote, shutdown } from '../lib/mobula.mjs';
import { median } from '../lib/stats.mjs';

const { workers, fanOut, depth, repeats } = parameters;
await init({ numCpus: workers });

const node = remote(async (fanOut, depth) => {
  if (depth === 0) return 1;
  const children = Array.from({ length: fanOut }, () => node.remote(fanOut, depth - 1));
  const sizes = await get(children);
  return sizes.reduce((total, size) => total + size, 1);
});

const nodes = (fanOut ** (depth + 1) - 1) / (fanOut - 1);

async function timeTree() {
  const started = performance.now();
  const size = await get(node.remote(fanOut, depth));
  check(size === nodes, `the tree has ${size} nodes, not ${nodes}`);
  return performance.now() - started;
}

await timeTree();
const times = [];
for (let repeat = 0; repeat < repeats; repeat += 1) times.push(await timeTree());
report({ rate: (1000 * nodes) / median(times) });
await shutdown();
