import { isMobulaError } from '../../common/errors.ts';
import { now, setTimeout } from '../../common/timers.ts';
import type { NodeConfig, NodeExit } from './contract.ts';
import { how } from './life.ts';

/** After so long a head that was away has taken the node for dead itself. */
const TRY_MS = 60_000;
const LEAST_WAIT_MS = 50;
const MOST_WAIT_MS = 1000;

/** Tells the head that a node is dead. A head that is away is told when it is there again; nothing stays alive for that. */
export async function tellHead(
  { address, token }: Pick<NodeConfig, 'address' | 'token'>,
  exit: NodeExit,
): Promise<void> {
  const { nodeId: node, begun } = exit;
  // With the packages that it needs: a supervisor whose node lives has no use for them.
  const { reportExit } = await import('../report-exit.ts');
  const until = now() + TRY_MS;
  for (let wait = LEAST_WAIT_MS; now() < until; wait = Math.min(2 * wait, MOST_WAIT_MS)) {
    try {
      await reportExit(address, token, { node, cause: `its process ended (${how(exit)})`, begun });
      return;
    } catch (error) {
      // Another cluster has the address now.
      if (isMobulaError(error) && error.code === 'ERR_MOBULA_UNAUTHORIZED') return;
    }
    await new Promise<void>((resolve) => setTimeout(resolve, wait).unref());
  }
}
