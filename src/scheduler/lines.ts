import { covers } from './amounts.ts';
import type { Line, NodeState, Submitter } from './model.ts';
import type { About, Ask, TaskId } from './ports.ts';
import type { SchedulerState, Turn } from './state.ts';
import { closeEmpty, closeWindow, setW } from './windows.ts';

/** A line that has nothing for so long has the next turn, whatever its priority. */
export const AGED_MS = 10_000;

export function newLine(
  state: SchedulerState,
  submitter: Submitter,
  ask: Ask,
  number: number,
  task: TaskId | null,
): Line {
  return {
    submitter,
    ask,
    demand: state.names.demand(ask.demand),
    units: [],
    unitScale: -1,
    number,
    task,
    ownMeanMs: undefined,
    large: [],
    bytes: 0,
    refused: null,
    refusals: 0,
    count: 0,
    granted: 0,
    windows: new Map(),
    since: 0,
    lacksSince: null,
    aged: false,
    infeasibleSince: null,
    told: false,
    queue: null,
    at: 0,
    most: Number.POSITIVE_INFINITY,
    leastMs: 0,
    target: 0,
  };
}

/** What a task of the line takes, in milliseconds, if that is known. Tasks that their node runs too count with what they submit. */
export function meanOf({ means }: SchedulerState, { ask, ownMeanMs }: Line): number | undefined {
  return ask.strategy === 'elsewhere' ? ownMeanMs : means.get(ask.fn);
}

export function about({ task, number }: Line): About {
  return task === null ? { line: number } : { task };
}

/** Whether the node could run it, if nothing else ran there. */
export function can(state: SchedulerState, line: Line, node: NodeState): boolean {
  return isAble(line, node) && suits(state, line, node);
}

/** The nodes among which are all that could run the line, if nothing else ran there. */
export function ableNodes({ list, version }: SchedulerState, line: Line): readonly NodeState[] {
  const { demand } = line;
  if (demand.version !== version) {
    demand.able = list.filter((node) => isAble(line, node));
    demand.version = version;
  }
  return demand.able;
}

/** Whether one of `ableNodes` could: what is left to ask. */
export function suits(state: SchedulerState, line: Line, node: NodeState): boolean {
  const { strategy, job } = line.ask;
  if (node.onlyJob !== null && node.onlyJob !== job) return false;
  if (strategy === 'elsewhere') return node.id !== line.submitter.id;
  if (typeof strategy === 'string' || strategy.nodeId === node.id) return true;
  if (!strategy.soft) return false;
  const wanted = state.nodes.get(strategy.nodeId);
  return wanted === undefined || !isAble(line, wanted);
}

function isAble(line: Line, node: NodeState): boolean {
  return node.member && node.no >= 0 && !node.draining && covers(node.total, line.demand);
}

/** Whether the node may be asked now: it has not refused the task since its last report. */
export function may(state: SchedulerState, line: Line, node: NodeState): boolean {
  return can(state, line, node) && (line.refused === null || node.no > (line.refused.get(node) ?? -1));
}

/** Puts the line where its count and its windows say that it belongs. */
export function settle(turn: Turn, line: Line): void {
  const { unmet, hungry, offered } = turn.state;
  line.lacksSince = line.count > line.granted ? (line.lacksSince ?? turn.now) : null;
  // Those that their node runs too wait for nobody.
  if (line.count > 0 && line.granted === 0 && line.ask.strategy !== 'elsewhere') {
    if (!line.aged && !hungry.has(line)) {
      line.since = turn.now;
      hungry.add(line);
    }
  } else {
    hungry.delete(line);
    if (line.aged) {
      unmet.remove(line);
      line.aged = false;
    }
  }
  if (line.count > line.granted) {
    unmet.add(line);
    if (line.ask.strategy === 'elsewhere') offered.add(line);
  } else {
    unmet.remove(line);
    offered.delete(line);
  }
}

/** Gives lines that have waited too long the first turn. */
export function age({ state, now }: Turn): void {
  for (const line of state.hungry) {
    if (now - line.since < AGED_MS) return;
    state.hungry.delete(line);
    state.unmet.remove(line);
    line.aged = true;
    state.unmet.add(line);
  }
}

/** Takes back what the line has beyond what it wants; first where nothing of it is. */
export function shrink(turn: Turn, line: Line): void {
  for (const keep of [true, false]) {
    for (const window of line.windows.values()) {
      const over = line.granted - line.count;
      if (over <= 0) return;
      const least = keep ? Math.min(window.out, window.w) : 0;
      setW(window, Math.max(least, window.w - over), turn.effects);
    }
  }
}

/** Forgets the line. What it has at nodes no longer counts. */
export function removeLine(state: SchedulerState, line: Line): void {
  for (const window of line.windows.values()) closeWindow(window);
  state.unmet.remove(line);
  state.hungry.delete(line);
  state.unable.delete(line);
  state.offered.delete(line);
  const { submitter, task, number } = line;
  if (task !== null) submitter.tasks.delete(task);
  else if (submitter.lines.get(number) === line) submitter.lines.delete(number);
}

/** Forgets the line if nothing of it is anywhere. */
export function removeEmpty(state: SchedulerState, line: Line): void {
  if (line.count > 0) return;
  for (const window of line.windows.values()) closeEmpty(window);
  if (line.windows.size === 0) removeLine(state, line);
}
