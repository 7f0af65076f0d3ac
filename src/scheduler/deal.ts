/**
 * One node is dealt out anew at its report: highest priority first; among the jobs of one priority in turns, each of which
 * is one task or a 64th of the node, whichever is more; a deal begins with the job after the one that had the last turn. What
 * the deal gives is an aim: windows become smaller at once, and grow as far as tasks that are out leave room.
 */

import { mostInDeal } from './balance.ts';
import { may, meanOf, settle } from './lines.ts';
import type { JobQueue, Line, NodeState, Window } from './model.ts';
import type { Turn } from './state.ts';
import { firstFrom, type Level } from './unmet.ts';
import { mayGoNow } from './waiting.ts';
import { closeEmpty, held, openWindow, rescale, room, scaleOf, setW, unitsOf } from './windows.ts';

const TURNS = 64;
const MOST_PRIORITIES = 256;
/** So many lines are looked at in one deal; those not reached have their turn in the next. */
const VISITS = 4096;

/** A deal under way. */
interface Deal {
  readonly turn: Turn;
  readonly node: NodeState;
  /** What is not given away yet, by resource. */
  readonly free: number[];
  /** Whether windows are set anew; else they only grow. */
  readonly anew: boolean;
  /** Lines with an aim, in the order in which they had turns. */
  readonly given: Line[];
  visits: number;
  /** Whether somebody wanted more. */
  short: boolean;
}

/** Deals the node out anew. Gives lines that have less of it than before, and less than they want: other nodes may have room. */
export function deal(turn: Turn, node: NodeState): readonly Line[] {
  if (!turn.state.ready) return [];
  if (isFine(node)) {
    // What waits less at home may have come to wait longer than here.
    if (turn.state.offered.size > 0) fill(turn, node);
    return [];
  }
  const before = node.windows.filter(({ line }) => line.task === null);
  const free = node.available.slice();
  for (const window of node.windows) if (window.line.task !== null) take(free, window.line, held(window), window.scale);
  const state: Deal = { turn, node, free, anew: true, given: [], visits: 0, short: false };
  for (const { line, w } of before) {
    line.granted -= w;
    if (line.count > line.granted) turn.state.unmet.add(line);
  }
  for (const level of turn.state.unmet.levels) dealLevel(state, level);
  for (const { line, w } of before) line.granted += w;
  const lowered = lower(state, before);
  raise(state);
  for (const window of before) {
    settle(turn, window.line);
    closeEmpty(window);
  }
  node.contested = state.short;
  return lowered.filter((line) => line.count > line.granted);
}

/** Deals out what is free at the node between two reports, by the same rules; no window becomes smaller. */
export function fill(turn: Turn, node: NodeState): void {
  const free = node.available.map((amount, i) => amount - (node.used[i] ?? 0));
  const state: Deal = { turn, node, free, anew: false, given: [], visits: 0, short: false };
  for (const level of turn.state.unmet.levels) dealLevel(state, level);
  raise(state);
  node.contested = state.short;
}

/** Whether nobody wants more of the node, and it is not asked for more than it has. */
function isFine({ contested, used, available }: NodeState): boolean {
  return !contested && used.every((amount, i) => amount <= (available[i] ?? 0));
}

/** Jobs have turns until none of them can use what is left. */
function dealLevel(state: Deal, { priority, queues }: Level): void {
  const { turns } = state.node;
  // Priorities are few; a program that makes them up is not remembered for ever.
  if (turns.size > MOST_PRIORITIES) turns.clear();
  const start = firstFrom(queues, (turns.get(priority) ?? -1) + 1);
  let going = [...queues.slice(start), ...queues.slice(0, start)];
  while (going.length > 0) {
    going = going.filter((queue) => {
      if (!takeTurn(state, queue)) return false;
      turns.set(priority, queue.order);
      return true;
    });
  }
}

/** Gives to the next line of the queue that can use something; false: none can. */
function takeTurn(state: Deal, queue: JobQueue): boolean {
  const { lines } = queue;
  for (let i = 0; i < lines.length; i++) {
    if (++state.visits > VISITS) {
      state.short = true;
      return false;
    }
    const at = (queue.next + i) % lines.length;
    const line = lines[at];
    if (line === undefined || !give(state, line)) continue;
    queue.next = (at + 1) % lines.length;
    return true;
  }
  return false;
}

function give(state: Deal, line: Line): boolean {
  const { turn, node, free, given } = state;
  const left = Math.min(line.count - line.granted, line.most) - line.target;
  if (left <= 0 || !may(turn.state, line, node)) return false;
  if (!mayGoNow(line, node, turn.now) || (!state.anew && isLowered(line, node))) {
    state.short = true;
    return false;
  }
  const meanMs = meanOf(turn.state, line);
  const scale = scaleOf(line, meanMs);
  const want = Math.min(left, mostInDeal(turn.state, line, node, meanMs, state.anew) - line.target);
  let fits = Number.POSITIVE_INFINITY;
  let share = Number.POSITIVE_INFINITY;
  const units = unitsOf(line, scale);
  const { resources } = line.demand;
  for (let i = 0; i < resources.length; i++) {
    const each = units[i] ?? 1;
    fits = Math.min(fits, Math.floor((free[resources[i] ?? 0] ?? 0) / each));
    share = Math.min(share, Math.floor((node.available[resources[i] ?? 0] ?? 0) / TURNS / each));
  }
  if (want <= 0) return false;
  if (fits <= 0) {
    state.short = true;
    return false;
  }
  const n = Math.min(want, fits, Math.max(1, share));
  if (line.target === 0) given.push(line);
  line.target += n;
  take(free, line, n, scale);
  return true;
}

function take(free: number[], line: Line, n: number, scale: number): void {
  const units = unitsOf(line, scale);
  const { resources } = line.demand;
  for (let i = 0; i < resources.length; i++) {
    const resource = resources[i] ?? 0;
    free[resource] = (free[resource] ?? 0) - n * (units[i] ?? 1);
  }
}

/** Whether the last deal gave the line less there than it still has. */
function isLowered(line: Line, node: NodeState): boolean {
  const window = line.windows.get(node);
  return window !== undefined && held(window) > window.w;
}

/** Makes the windows smaller whose aims are. */
function lower({ turn }: Deal, windows: readonly Window[]): readonly Line[] {
  const lowered: Line[] = [];
  for (const window of windows) {
    const { line } = window;
    rescale(window, scaleOf(line, meanOf(turn.state, line)));
    if (line.target >= window.w) continue;
    setW(window, line.target, turn.effects);
    lowered.push(line);
  }
  return lowered;
}

/** Lets windows grow to their aims, as far as there is room. */
function raise(state: Deal): void {
  const { turn, node, given, anew } = state;
  for (const line of given) {
    const meanMs = meanOf(turn.state, line);
    const window = openWindow(line, node, scaleOf(line, meanMs));
    const wanted = anew ? line.target : window.w + line.target;
    const aim = Math.min(wanted, held(window) + room(node, line, window.scale));
    if (aim < wanted) state.short = true;
    if (aim > window.w) grow(turn, window, aim, meanMs);
    line.target = 0;
    closeEmpty(window);
    settle(turn, line);
  }
}

/** Lets the window allow `w`, and counts what that adds to the wait at its node. */
export function grow(turn: Turn, window: Window, w: number, meanMs: number | undefined): void {
  const { node } = window;
  node.sentMs += ((w - window.w) * (meanMs ?? node.meanMs)) / node.parallel;
  setW(window, w, turn.effects);
}
