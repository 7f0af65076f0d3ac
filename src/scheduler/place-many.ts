/**
 * Tasks without ids, many at once: to the nodes where they wait least, for the node and for their large arguments together, as far as
 * those have room.
 */
import { fairShare, type Home, homeOf, timeOf } from './balance.ts';
import { fill, grow } from './deal.ts';
import { ableNodes, meanOf, settle, suits } from './lines.ts';
import type { Line, NodeState, Window } from './model.ts';
import type { Turn } from './state.ts';
import { mayGoNow, transferMs, waitMs } from './waiting.ts';
import { hasRoom, held, openWindow, rescale, room, scaleOf } from './windows.ts';

/** Dearer than any wait. */
const ONE_MORE = 1e12;

/** The nodes with room for the line being placed. */
const candidates: NodeState[] = [];

/** Gives the line what it wants as far as there is room. Gives how many nodes could ever run it. */
export function placeMany(turn: Turn, line: Line): number {
  const meanMs = meanOf(turn.state, line);
  const scale = scaleOf(line, meanMs);
  const spread = line.ask.strategy === 'spread';
  // Since when it has waited for the node that has its arguments.
  if (line.bytes > 0) settle(turn, line);
  const able = collect(turn, line, scale);
  line.most = spread && able > 0 ? Math.ceil(line.count / able) : Number.POSITIVE_INFINITY;
  const wanted = line.count - line.granted;
  const takesMs = timeOf(line, meanMs);
  share(candidates, { wanted, takesMs, spread, home: homeOf(turn.state, line, wanted, takesMs) });
  for (const node of candidates) {
    if (node.given === 0) continue;
    const window = openWindow(line, node, scale);
    const w = Math.min(window.w + node.given, held(window) + room(node, line, scale));
    if (w > window.w) grow(turn, window, w, meanMs);
  }
  candidates.length = 0;
  settle(turn, line);
  if (line.count > line.granted) fillContested(turn, line, scale);
  // Nobody waits for nodes with what waits less at home.
  if (line.count > line.granted && line.ask.strategy !== 'elsewhere') contest(turn, line);
  return able;
}

/** Collects the nodes that have room for the line and for nobody before it. Gives how many could ever run it. */
function collect({ state, env, now }: Turn, line: Line, scale: number): number {
  const first = line.ask.priority > state.unmet.highestBeside(line);
  const spread = line.ask.strategy === 'spread' ? ONE_MORE : 0;
  const nodes = ableNodes(state, line);
  if (line.bytes > 0) line.leastMs = leastMs(state, line, nodes);
  const start = Math.floor(env.random() * nodes.length);
  let able = 0;
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[start + i < nodes.length ? start + i : start + i - nodes.length];
    if (node === undefined || !suits(state, line, node)) continue;
    able += 1;
    if ((node.contested && !first) || !mayGoNow(line, node, now)) continue;
    const window = line.windows.size === 0 ? undefined : line.windows.get(node);
    node.free = roomFor(node, line, window, scale);
    if (node.free <= 0) continue;
    node.key = waitMs(node) + transferMs(line, node) + (window?.w ?? 0) * spread;
    node.given = 0;
    candidates.push(node);
  }
  return able;
}

/** For how many more of the line's tasks the node has room, with those that its window counts for and does not allow. */
function roomFor(node: NodeState, line: Line, window: Window | undefined, scale: number): number {
  if (window === undefined) return room(node, line, scale);
  rescale(window, scale);
  return room(node, line, scale) + held(window) - window.w;
}

/** How long the line's large arguments take to the node that has most of them, of those that may run it. */
function leastMs(state: Turn['state'], line: Line, nodes: readonly NodeState[]): number {
  const times = nodes.filter((node) => suits(state, line, node)).map((node) => transferMs(line, node));
  return times.length === 0 ? 0 : Math.min(...times);
}

/** So many contested nodes are dealt out for one request; the others are at their next reports. */
const FILLS = 3;

/** Has what is free at contested nodes dealt out, until the line has what it wants. */
function fillContested(turn: Turn, line: Line, scale: number): void {
  let fills = 0;
  for (const node of ableNodes(turn.state, line)) {
    if (!node.contested || !hasRoom(node, line, scale) || !suits(turn.state, line, node)) continue;
    fill(turn, node);
    fills += 1;
    if (line.count <= line.granted || fills === FILLS) return;
  }
}

/** What becomes free on nodes that the line could use is dealt out from now on. */
export function contest({ state }: Turn, line: Line): void {
  for (const node of ableNodes(state, line)) if (!node.contested && suits(state, line, node)) node.contested = true;
}

/** What is shared out. */
interface Sharing {
  readonly wanted: number;
  readonly takesMs: number | undefined;
  readonly spread: boolean;
  readonly home: Home;
}

/** Shares tasks out, each to the candidate with the lowest key, or to their own node if its wait is less. */
function share(heap: NodeState[], { wanted, takesMs, spread, home }: Sharing): void {
  for (let i = (heap.length >> 1) - 1; i >= 0; i--) sink(heap, i, heap.length);
  const chunk = Math.floor(wanted / (4 * heap.length));
  let size = heap.length;
  let left = wanted;
  while (left > 0 && size > 0) {
    const top = heap[0];
    if (top === undefined) return;
    // A few at a time where that makes no difference to the wait: each window costs a message.
    const most = Math.min(left, top.free, fairShare(home, top, top.key, takesMs));
    const n = Math.min(most, spread ? 1 : Math.max(1, chunk, Math.floor(top.parallel / 16)));
    if (n === 0) return;
    home.waitMs -= n * home.eachMs;
    top.given += n;
    top.free -= n;
    left -= n;
    top.key += n * (spread ? ONE_MORE : (takesMs ?? top.meanMs) / top.parallel);
    if (top.free === 0) {
      size -= 1;
      const last = heap[size];
      if (last === undefined) return;
      heap[0] = last;
      heap[size] = top;
    }
    sink(heap, 0, size);
  }
}

/** Restores the order of a heap whose element `i` may be too high. */
function sink(heap: NodeState[], i: number, size: number): void {
  const moved = heap[i];
  if (moved === undefined) return;
  let at = i;
  for (;;) {
    let below = 2 * at + 1;
    if (below >= size) break;
    const right = heap[below + 1];
    if (below + 1 < size && right !== undefined && right.key < (heap[below]?.key ?? 0)) below += 1;
    const child = heap[below];
    if (child === undefined || child.key >= moved.key) break;
    heap[at] = child;
    at = below;
  }
  heap[at] = moved;
}
