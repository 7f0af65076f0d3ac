import { after, before } from 'node:test';
import { init, shutdown } from 'mobula';
import { type Cluster, startCluster } from 'mobula/testing';

/** For the tests of a suite: two nodes of one CPU, and a driver without CPUs in this process. Gives what gives the cluster. */
export function withTwoNodes(): () => Cluster {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: [{ numCpus: 1 }, { numCpus: 1 }] });
    await init({ address: cluster.address });
  });
  after(async () => {
    await shutdown();
    await cluster.stop();
  });
  return () => cluster;
}
