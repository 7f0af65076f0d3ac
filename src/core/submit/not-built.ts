import { MobulaError } from '../../common/errors.ts';
import type { NodeFacts } from '../node-facts.ts';

/**
 * Refuses what tasks of a cluster's job cannot do yet, on whichever node they are.
 *
 * @throws {MobulaError} `ERR_MOBULA_NOT_BUILT`
 */
export function refuseInCluster({ cluster }: NodeFacts, what: string): void {
  if (cluster === undefined) return;
  const advice = 'Use tasks that give values, or leave out `address` to run on this machine alone.';
  throw new MobulaError('ERR_MOBULA_NOT_BUILT', `${what} cannot be used in a job of a cluster yet. ${advice}`);
}
