import { CPU } from './amounts.ts';
import type { Line, NodeState } from './model.ts';

/** A place that costs this much more than the best one is as good. */
const NOTHING_MS = 5;

/** A node all of whose CPUs are taken counts as if it made a task wait for so long: of those where none waits, the idlest is best. */
const BUSY_MS = 1;
const UNIT = 10_000;

/** What a task that comes now would wait at the node, as far as the scheduler knows, in milliseconds. */
export function waitMs(node: NodeState): number {
  return node.waitMs + node.sentMs + ((node.used[CPU] ?? 0) * BUSY_MS) / (node.parallel * UNIT);
}

/** How long the line's large arguments take to the node, in milliseconds. */
export function transferMs(line: Line, node: NodeState): number {
  if (line.bytes === 0) return 0;
  let here = 0;
  for (const { bytes, places } of line.large) if (places.includes(node.id)) here += bytes;
  return (line.bytes - here) / node.bytesPerMs;
}

/**
 * Whether the node is near enough to the line's arguments by now. A task does not go where its arguments take longer than at
 * the best node by more than its line has lacked a place: so it waits for the node that has them, but not in vain.
 */
export function mayGoNow(line: Line, node: NodeState, now: number): boolean {
  if (line.bytes === 0) return true;
  const waited = line.lacksSince === null ? 0 : now - line.lacksSince;
  return transferMs(line, node) - line.leastMs <= Math.max(NOTHING_MS, waited);
}
