import { NodeDiedError } from '../../common/errors.ts';
import type { SchedulingStrategy } from '../../common/options.ts';

/**
 * Refuses what asks for a node that is not there. This version has one node.
 *
 * @throws {NodeDiedError} when `strategy` names another node and is not `soft`.
 */
export function checkPlacement(strategy: SchedulingStrategy, nodeId: string, what: string): void {
  if (typeof strategy === 'string' || strategy.soft === true || strategy.nodeId === nodeId) return;
  const advice = 'Use the nodeId of one of nodes(), or soft: true to let another node do.';
  throw new NodeDiedError(
    `${what} asks for node '${strategy.nodeId}', and no node that is alive has that id. ${advice}`,
  );
}
