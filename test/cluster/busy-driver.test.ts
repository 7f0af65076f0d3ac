// A driver with a CPU of its own is a node like others: what waits there for long goes to others too.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { context, get, init, remote } from 'mobula';
import { startCluster } from 'mobula/testing';

it('shares what a driver with a CPU of its own submits', async () => {
  await using cluster = await startCluster({ nodes: [{ numCpus: 1 }] });
  await using _runtime = await init({ address: cluster.address, numCpus: 1 });
  // The node's worker is up.
  await get(
    remote(() => undefined)
      .options({ schedulingStrategy: { nodeId: String(cluster.nodes[0]?.nodeId) } })
      .remote(),
  );
  const child = remote((ms: number) => {
    const end = performance.now() + ms;
    while (performance.now() < end);
    return context().nodeId;
  });
  const ran = await get(Array.from({ length: 200 }, () => child.remote(20)));
  const away = ran.filter((id) => id === cluster.nodes[0]?.nodeId).length / ran.length;
  assert.equal(away + ran.filter((id) => id === context().nodeId).length / ran.length, 1);
  assert.ok(away >= 0.3, `the node ran ${away}`);
  assert.ok(away <= 0.7, `the driver ran ${1 - away}`);
});
