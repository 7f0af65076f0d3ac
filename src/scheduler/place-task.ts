/** One task with an id: where it waits least, its wait for the node and for its large arguments together. */
import { fill, grow } from './deal.ts';
import { ableNodes, meanOf, settle, suits } from './lines.ts';
import type { Line, NodeState } from './model.ts';
import { contest } from './place-many.ts';
import type { Turn } from './state.ts';
import { waitMs } from './waiting.ts';
import { hasRoom, openWindow, scaleOf } from './windows.ts';

/** The best node for a task, as far as they were looked at. */
interface Best {
  node: NodeState | null;
  ms: number;
  free: boolean;
  /** How many could ever run it. */
  able: number;
  leastMs: number;
}

/** Gives the task a node, unless the best one has no room now. Gives how many nodes could ever run it. */
export function placeTask(turn: Turn, line: Line): number {
  const { nodes } = turn.state;
  countHere(nodes, line, 1);
  const best = search(turn, line);
  countHere(nodes, line, -1);
  line.leastMs = best.able === 0 ? 0 : best.leastMs;
  if (best.node !== null && best.free) take(turn, line, best.node);
  else settle(turn, line);
  if (line.granted === 0) contest(turn, line);
  return best.able;
}

function take(turn: Turn, line: Line, node: NodeState): void {
  const { unmet } = turn.state;
  if (node.contested && line.ask.priority <= unmet.highestBeside(line)) {
    settle(turn, line);
    fill(turn, node);
    return;
  }
  const meanMs = meanOf(turn.state, line);
  grow(turn, openWindow(line, node, scaleOf(line, meanMs)), 1, meanMs);
  settle(turn, line);
}

function search({ state, env }: Turn, line: Line): Best {
  const best: Best = {
    node: null,
    ms: Number.POSITIVE_INFINITY,
    free: false,
    able: 0,
    leastMs: Number.POSITIVE_INFINITY,
  };
  const scale = scaleOf(line, meanOf(state, line));
  const anywhere = typeof line.ask.strategy === 'string';
  const { bytes, refused } = line;
  const nodes = ableNodes(state, line);
  const start = Math.floor(env.random() * nodes.length);
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[start + i < nodes.length ? start + i : start + i - nodes.length];
    if (node === undefined || (!(anywhere && node.onlyJob === null) && !suits(state, line, node))) continue;
    best.able += 1;
    const transfer = (bytes - node.here) / node.bytesPerMs;
    if (transfer < best.leastMs) best.leastMs = transfer;
    const ms = waitMs(node) + transfer;
    if (ms > best.ms || (refused !== null && node.no <= (refused.get(node) ?? -1))) continue;
    consider(best, node, ms, hasRoom(node, line, scale));
  }
  return best;
}

function consider(best: Best, node: NodeState, least: number, free: boolean): void {
  // A node without room gives one up when one of its tasks ends.
  const ms = least + (free ? 0 : node.meanMs / node.parallel);
  if (ms > best.ms || (ms === best.ms && best.free)) return;
  best.node = node;
  best.ms = ms;
  best.free = free;
}

/** Adds the bytes of the line's arguments to the nodes that have them; takes them away with sign -1. */
function countHere(nodes: ReadonlyMap<string, NodeState>, { large }: Line, sign: 1 | -1): void {
  for (const { bytes, places } of large) {
    for (const place of places) {
      const node = nodes.get(place);
      if (node !== undefined) node.here += sign * bytes;
    }
  }
}
