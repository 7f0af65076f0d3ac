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

/** How long they take to the node of these that has most of them. */
export function leastTransferMs(line: Line, nodes: readonly NodeState[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (const node of nodes) least = Math.min(least, transferMs(line, node));
  return least === Number.POSITIVE_INFINITY ? 0 : least;
}

/**
 * Whether the node is near enough to the line's arguments by now. A task does not go where its arguments take longer than at
 * the best node by more than it has waited, or would wait behind others of its line: so it waits for the node that has them, but not
 * in vain.
 */
export function mayGoNow(line: Line, node: NodeState, now: number): boolean {
  if (line.bytes === 0) return true;
  return transferMs(line, node) - line.leastMs <= Math.max(NOTHING_MS, waitedMs(line, now));
}

/** How long a line has had nothing; if it has something, how long what it lacks would take where that is. */
function waitedMs({ windows, count, granted, since }: Line, now: number): number {
  if (granted === 0) return now - since;
  let [parallel, meanMs] = [0, 0];
  for (const { node } of windows.values()) {
    parallel += node.parallel;
    meanMs = Math.max(meanMs, node.meanMs);
  }
  return parallel === 0 ? 0 : ((count - granted) * meanMs) / parallel;
}
