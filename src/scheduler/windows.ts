/**
 * Windows, and what they count at their nodes. Rules:
 *
 * 1. A window counts for the most tasks that may be there: what it allows, what its submitter said is out, and what the
 *    submitter may have sent before it saw that the window had become smaller.
 * 2. No window grows unless the node's `available` covers it. So what is sent to a node never exceeds what it has.
 * 3. A task that takes `mean` milliseconds counts as mean / (mean + PREFETCH_MS) of its demand: with each running task the
 *    node holds about PREFETCH_MS of work that waits, and a short task does not cost a message's way there and back. In lines
 *    of strategy `elsewhere` it is SHARED_PREFETCH_MS.
 */
import type { Line, NodeState, Submitter, Window } from './model.ts';
import type { SchedulerEffect } from './ports.ts';

const PREFETCH_MS = 5;
/** The same of tasks that their node runs too: half of what waits is to go at once, and the scheduler hears of loads every 50 ms. */
const SHARED_PREFETCH_MS = 250;

/** What a task of the line counts, as a part of its demand, if its mean time is that. */
export function scaleOf({ ask }: Line, meanMs: number | undefined): number {
  const ahead = ask.strategy === 'elsewhere' ? SHARED_PREFETCH_MS : PREFETCH_MS;
  return meanMs === undefined ? 1 : Math.max(0, meanMs) / (Math.max(0, meanMs) + ahead);
}

/** What one task counts of each amount of its demand. Nothing that asks for something counts nothing. */
export function unitsOf(line: Line, scale: number): readonly number[] {
  if (line.unitScale === scale) return line.units;
  line.unitScale = scale;
  const { amounts } = line.demand;
  for (let i = 0; i < amounts.length; i++) line.units[i] = Math.max(1, Math.ceil((amounts[i] ?? 0) * scale));
  return line.units;
}

/** How many tasks the window counts for: rule 1. */
export function held({ w, out, peak }: Window): number {
  return w > out ? (w > peak ? w : peak) : out > peak ? out : peak;
}

/** How many more of the line's tasks the node has room for; Infinity: they need nothing. */
export function room(node: NodeState, line: Line, scale: number): number {
  const units = unitsOf(line, scale);
  const { resources } = line.demand;
  let most = Number.POSITIVE_INFINITY;
  for (let i = 0; i < resources.length; i++) {
    const fits = free(node, resources[i] ?? 0) / (units[i] ?? 1);
    if (fits < most) most = fits;
  }
  return Math.max(0, Math.floor(most));
}

/** Whether the node has room for one more. */
export function hasRoom(node: NodeState, line: Line, scale: number): boolean {
  const units = unitsOf(line, scale);
  const { resources } = line.demand;
  for (let i = 0; i < resources.length; i++) if (free(node, resources[i] ?? 0) < (units[i] ?? 1)) return false;
  return true;
}

function free({ available, used }: NodeState, resource: number): number {
  return (available[resource] ?? 0) - (used[resource] ?? 0);
}

/** Counts `n` more tasks of the line as used; fewer, if negative. */
export function use({ used }: NodeState, line: Line, n: number, scale: number): void {
  if (n === 0) return;
  const units = unitsOf(line, scale);
  const { resources } = line.demand;
  for (let i = 0; i < resources.length; i++) {
    const resource = resources[i] ?? 0;
    while (used.length <= resource) used.push(0);
    used[resource] = (used[resource] ?? 0) + n * (units[i] ?? 1);
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
  say(window, effects);
}

/** Tells the submitter once more what the window allows. */
export function sayAgain(window: Window, effects: SchedulerEffect[]): void {
  const { submitter } = window.line;
  submitter.sent += 1;
  // That it became smaller may be heard of only now.
  if (submitter.shrunk.has(window)) window.peakNo = submitter.sent;
  say(window, effects);
}

function say({ line, node, w }: Window, effects: SchedulerEffect[]): void {
  const { sent: no, id: to } = line.submitter;
  if (line.task === null) effects.push({ kind: 'grant', to, no, line: line.number, node: node.id, w });
  else if (w > 0)
    effects.push({ kind: 'assign', to, no, task: line.task, node: node.id, must: line.refusals >= REFUSALS });
}

/** After so many refusals a node is named that must take the task. */
const REFUSALS = 3;

/** What the submitter has seen of its grants: it sends no more by larger windows than these. Gives those that count for less now. */
export function confirm(submitter: Submitter, seen: number): readonly Window[] {
  const confirmed: Window[] = [];
  for (const window of submitter.shrunk) {
    if (window.peakNo > seen) continue;
    submitter.shrunk.delete(window);
    const before = held(window);
    window.peak = 0;
    use(window.node, window.line, held(window) - before, window.scale);
    confirmed.push(window);
  }
  return confirmed;
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
