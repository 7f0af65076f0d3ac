import { randomBytes } from 'node:crypto';
import { parseAddress } from '../common/address.ts';
import { version } from '../common/version.ts';
import type { Table } from '../gcs/client.ts';
import type { JobRow, NodeRow } from '../gcs/tables/members.ts';
import { connectHead } from '../wire/head-link.ts';
import type { HeadListener } from '../wire/ports.ts';

/** What a head knows, as it was at one moment. */
export interface ClusterView {
  readonly nodes: readonly NodeRow[];
  readonly jobs: readonly JobRow[];
}

/**
 * Asks the head at `address`, host and port.
 *
 * @throws MobulaError `ERR_MOBULA_CONNECTION`: nobody listens there, or not mobula, or there was no answer in 5 s;
 * `ERR_MOBULA_UNAUTHORIZED`: its token is another one; `ERR_MOBULA_VERSION`: it speaks another version;
 * `ERR_MOBULA_CONTROL_STORE_UNAVAILABLE`: it went away before it had answered.
 */
export async function askHead(address: string, token: string): Promise<ClusterView> {
  const { host = '', port = 0 } = parseAddress(address) ?? {};
  const self = { nodeId: randomBytes(8).toString('hex'), version, token };
  const listener: HeadListener = {
    granted() {},
    askAll() {},
    suspected() {},
    connected() {},
    answered() {},
    ended() {},
  };
  // A head that goes away while it is asked is not waited for.
  const head = await connectHead({ host, port, self, firstTimeoutMs: 0, headTimeoutMs: 0 }, listener);
  try {
    const [nodes, jobs] = await Promise.all([rows<NodeRow>(head.nodes), rows<JobRow>(head.jobs)]);
    return { nodes, jobs };
  } finally {
    head.close();
  }
}

async function rows<Row>(table: Pick<Table<Row>, 'watch'>): Promise<readonly Row[]> {
  let found: readonly Row[] = [];
  const end = await table.watch((change) => {
    if (change.kind === 'reset') found = [...change.rows.values()];
  });
  end();
  return found;
}
