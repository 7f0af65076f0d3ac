/**
 * Windows, and what they count at their nodes. Rules:
 *
 * 1. A window counts for the most tasks that may be there: what it allows, what its submitter said is out, and what the
 *    submitter may have sent before it saw that the window had become smaller.
 * 2. No window grows unless the node's `available` covers it. So what is sent to a node never exceeds what it has.
 * 3. A task that takes `mean` milliseconds counts as mean / (mean + PREFETCH_MS) of its demand: with each running task the
 *    node holds about PREFETCH_MS of work that waits, and a short task does not cost a message's way there and back.
 */
import type { Line, NodeState, Submitter, Window } from './model.ts';
import type { SchedulerEffect } from './ports.ts';

const PREFETCH_MS = 5;

/** What a task of this mean counts, as a part of its demand. */
export function scaleOf(meanMs: number | undefined): number {
  return meanMs === undefined ? 1 : Math.max(0, meanMs) / (Math.max(0, meanMs) + PREFETCH_MS);
}

/** What one task counts of an amount. Nothing that asks for something counts nothing. */
export function unit(amount: number, scale: number): number {
  return Math.max(1, Math.ceil(amount * scale));
}

/** How many tasks the window counts for: rule 1. */
export function held({ w, out, peak }: Window): number {
  return w > out ? (w > peak ? w : peak) : out > peak ? out : peak;
}

/** How many more tasks of this demand and scale the node has room for; Infinity: they need nothing. */
export function room(node: NodeState, { demand }: Line, scale: number): number {
  let most = Number.POSITIVE_INFINITY;
  for (let i = 0; i < demand.resources.length; i++) {
    const resource = demand.resources[i] ?? 0;
    const free = (node.available[resource] ?? 0) - (node.used[resource] ?? 0);
    const fits = Math.floor(free / unit(demand.amounts[i] ?? 0, scale));
    if (fits < most) most = fits;
  }
  return Math.max(0, most);
}

/** Whether the node has room for one more. */
export function hasRoom(node: NodeState, { demand }: Line, scale: number): boolean {
  const { resources, amounts } = demand;
  for (let i = 0; i < resources.length; i++) {
    const resource = resources[i] ?? 0;
    const free = (node.available[resource] ?? 0) - (node.used[resource] ?? 0);
    if (free < unit(amounts[i] ?? 0, scale)) return false;
  }
  return true;
}

/** Counts `n` more tasks of the line as used; fewer, if negative. */
export function use(node: NodeState, { demand }: Line, n: number, scale: number): void {
  if (n === 0) return;
  const { used } = node;
  for (let i = 0; i < demand.resources.length; i++) {
    const resource = demand.resources[i] ?? 0;
    while (used.length <= resource) used.push(0);
    used[resource] = (used[resource] ?? 0) + n * unit(demand.amounts[i] ?? 0, scale);
  }
}

export function openWindow(line: Line, node: NodeState, scale: number): Window {
  let window = line.windows.get(node);
  if (window === undefined) {
    window = { line, node, w: 0, out: 0, peak: 0, peakNo: 0, scale, at: node.windows.length };
    node.windows.push(window);
    line.windows.set(node, window);
  }
  return window;
}

/** What its submitter says is out. */
export function setOut(window: Window, out: number): void {
  const before = held(window);
  window.out = out;
  use(window.node, window.line, held(window) - before, window.scale);
}

/** Counts the window anew, by what is known of its function now. */
export function rescale(window: Window, scale: number): void {
  if (scale === window.scale) return;
  const n = held(window);
  use(window.node, window.line, -n, window.scale);
  window.scale = scale;
  use(window.node, window.line, n, scale);
}

/** Sets what the window allows, and tells the submitter. */
export function setW(window: Window, w: number, effects: SchedulerEffect[]): void {
  const { line, node } = window;
  if (w === window.w) return;
  const { submitter } = line;
  const before = held(window);
  line.granted += w - window.w;
  submitter.sent += 1;
  if (w < window.w) {
    window.peak = Math.max(window.peak, window.w);
    window.peakNo = submitter.sent;
    submitter.shrunk.add(window);
  }
  window.w = w;
  use(node, line, held(window) - before, window.scale);
  const { sent: no, id: to } = submitter;
  if (line.task === null) effects.push({ kind: 'grant', to, no, line: line.number, node: node.id, w });
  else if (w > 0)
    effects.push({ kind: 'assign', to, no, task: line.task, node: node.id, must: line.refusals >= REFUSALS });
}

/** After so many refusals a node is named that must take the task. */
export const REFUSALS = 3;

/** What the submitter has seen of its grants: it sends no more by larger windows than these. Gives lines that lost a window. */
export function confirm(submitter: Submitter, seen: number): readonly Line[] {
  const lost: Line[] = [];
  for (const window of submitter.shrunk) {
    if (window.peakNo > seen) continue;
    submitter.shrunk.delete(window);
    const before = held(window);
    window.peak = 0;
    use(window.node, window.line, held(window) - before, window.scale);
    if (closeEmpty(window)) lost.push(window.line);
  }
  return lost;
}

/** Forgets a window that stands for nothing; false: it stands for something. */
export function closeEmpty(window: Window): boolean {
  if (held(window) > 0) return false;
  closeWindow(window);
  return true;
}

/** Forgets a window, whatever it stands for. */
export function closeWindow(window: Window): void {
  const { line, node } = window;
  if (line.windows.get(node) !== window) return;
  use(node, line, -held(window), window.scale);
  line.granted -= window.w;
  line.windows.delete(node);
  line.submitter.shrunk.delete(window);
  const last = node.windows.pop();
  if (last !== undefined && last !== window) {
    node.windows[window.at] = last;
    last.at = window.at;
  }
}
