import { isRefusal } from '../common/errors.ts';
import { now, setTimeout } from '../common/timers.ts';
import type { NodeExit } from './supervisor/contract.ts';
import { how } from './supervisor/life.ts';
import type { NodePlan } from './supervisor/node-role.ts';

/** Between two tries, at least and at most. */
const LEAST_WAIT_MS = 50;
const MOST_WAIT_MS = 1000;

/**
 * Tells the head that a node is dead, as soon as it can be reached, if that is as soon as a node would wait for it. A process that has nothing
 * else to do ends after the first try.
 */
export async function reportExit(
  { address, token, headTimeoutMs }: Pick<NodePlan, 'address' | 'token' | 'headTimeoutMs'>,
  exit: NodeExit,
): Promise<void> {
  // Its transport is loaded only when there is something to tell.
  const { tellExit } = await import('./ask-head.ts');
  const ended = { node: exit.nodeId, cause: `its process ended with ${how(exit)}`, begun: exit.begun };
  const until = now() + headTimeoutMs;
  for (let wait = LEAST_WAIT_MS; ; wait = Math.min(2 * wait, MOST_WAIT_MS)) {
    try {
      await tellExit(address, token, ended);
      return;
    } catch (error) {
      if (isRefusal(error) || now() + wait > until) return;
    }
    await new Promise<void>((resolve) => setTimeout(resolve, wait).unref());
  }
}
