/**
 * Tasks that their node runs too, and offers (strategy `elsewhere`): another node gets as many as leave none of them waiting longer there
 * than at home.
 */
import type { Line, NodeState } from './model.ts';
import type { SchedulerState } from './state.ts';
import { waitMs } from './waiting.ts';

/** What a task is taken to take of which nothing is known, and at least, in milliseconds. */
const UNKNOWN_MS = 5;
const LEAST_MS = 0.001;

/** What a task of the line is taken to take, in milliseconds; undefined: that is not known. */
export function timeOf({ ask }: Line, meanMs: number | undefined): number | undefined {
  return ask.strategy === 'elsewhere' ? Math.max(LEAST_MS, meanMs ?? UNKNOWN_MS) : meanMs;
}

/** Tasks that wait at the node of their submitter. */
export interface Home {
  /** How long the last of them waits there, in milliseconds; for ever, if that node does not run them. */
  waitMs: number;
  /** By how much less if one of them goes elsewhere. */
  readonly eachMs: number;
}

/** `waiting`: how many tasks of the line have no place elsewhere. `takesMs`: as `timeOf` gives it. */
export function homeOf({ nodes }: SchedulerState, line: Line, waiting: number, takesMs = 0): Home {
  if (line.ask.strategy !== 'elsewhere') return { waitMs: Number.POSITIVE_INFINITY, eachMs: 0 };
  const eachMs = takesMs / (nodes.get(line.submitter.id)?.parallel ?? 1);
  return { waitMs: waiting * eachMs, eachMs };
}

/** How many tasks the node may have of those that wait at home. */
export function fairShare(home: Home, node: NodeState, nodeWaitMs: number, takesMs = 0): number {
  return Math.max(0, Math.ceil((home.waitMs - nodeWaitMs) / (home.eachMs + takesMs / node.parallel)));
}

/** How many tasks of the line the node may have in all, in a deal. `anew`: as in `deal.ts`. */
export function mostInDeal(
  state: SchedulerState,
  line: Line,
  node: NodeState,
  meanMs: number | undefined,
  anew: boolean,
): number {
  const takesMs = timeOf(line, meanMs);
  const out = anew ? (line.windows.get(node)?.out ?? 0) : 0;
  const home = homeOf(state, line, line.count - line.granted - out, takesMs);
  return out + fairShare(home, node, waitMs(node), takesMs);
}
