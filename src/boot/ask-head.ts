import { randomBytes } from 'node:crypto';
import { parseAddress } from '../common/address.ts';
import { ControlStoreUnavailableError } from '../common/errors.ts';
import { clearTimeout, setTimeout } from '../common/timers.ts';
import { version } from '../common/version.ts';
import type { Change, Table } from '../gcs/client.ts';
import type { JobRow, NodeRow } from '../gcs/tables/members.ts';
import { connectHead } from '../wire/head-link.ts';
import type { Head, HeadListener } from '../wire/ports.ts';

/** For so long a head may take to answer. */
const ANSWER_MS = 5_000;

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
 * `ERR_MOBULA_CONTROL_STORE_UNAVAILABLE`: it went away before it had answered, or gave no answer in 5 s.
 */
export function askHead(address: string, token: string): Promise<ClusterView> {
  return withHead(address, token, async (head) => {
    const [nodes, jobs] = await Promise.all([rows<NodeRow>(head.nodes), rows<JobRow>(head.jobs)]);
    return { nodes, jobs };
  });
}

/** How the process of a node ended. */
export interface ProcessEnd {
  readonly node: string;
  readonly cause: string;
  /** The attempts that it had begun (`core/run/begun.ts`). Undefined: that is not known. */
  readonly begun: Uint8Array | undefined;
}

/** Tells the head that the process of a node has ended. Resolves when the node table says so. Rejects as `askHead` does. */
export function tellExit(address: string, token: string, { node, cause, begun }: ProcessEnd): Promise<void> {
  return withHead(
    address,
    token,
    (head) =>
      new Promise((resolve, reject) => {
        head.nodes.watch((change) => isDead(change, node) && resolve()).catch(reject);
        head.exited(node, cause, begun);
      }),
  );
}

/** Whether a change of the node table says that `node` does not live. */
function isDead(change: Change<NodeRow>, node: string): boolean {
  if (change.kind === 'reset') return change.rows.get(node)?.alive !== true;
  return change.key === node && !(change.kind === 'put' && change.row.alive);
}

/** Connects, for as long as it takes to ask. A head that goes away meanwhile is not waited for. */
async function withHead<T>(address: string, token: string, ask: (head: Head) => Promise<T>): Promise<T> {
  const { host = '', port = 0 } = parseAddress(address) ?? {};
  const self = { nodeId: randomBytes(8).toString('hex'), version, token };
  let lost: (error: Error) => void = () => {};
  const over = new Promise<never>((_resolve, reject) => {
    lost = reject;
  });
  const nothing = (): void => {};
  const silent = { granted: nothing, askAll: nothing, suspected: nothing, answered: nothing };
  const away = (): void => lost(new ControlStoreUnavailableError(`The head at ${address} went away`));
  const listener: HeadListener = { ...silent, connected: away, ended: (error) => lost(error) };
  const head = await connectHead({ host, port, self, firstTimeoutMs: 0, headTimeoutMs: 0 }, listener);
  const limit = setTimeout(() => {
    lost(new ControlStoreUnavailableError(`The head at ${address} gave no answer in ${ANSWER_MS / 1000} s`));
  }, ANSWER_MS);
  try {
    return await Promise.race([ask(head), over]);
  } finally {
    clearTimeout(limit);
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
