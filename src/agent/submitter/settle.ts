/** What has changed in a turn is told to the core and to the global scheduler. */
import type { Env } from '../../common/step.ts';
import type { Wish } from '../ports.ts';
import type { Line, Submitter, SubmitterEffect } from './state.ts';

/** Milliseconds between two requests: a burst of tasks is one request. */
const REQUEST_MS = 1;
/** Milliseconds for which a line without tasks keeps its windows: one task at a time needs no request for each. */
const IDLE_MS = 200;
/** By how many tasks more than twice their number the scheduler may be wrong. */
const MANY = 64;

export function settle(state: Submitter, env: Env): readonly SubmitterEffect[] {
  const effects: SubmitterEffect[] = [];
  for (const line of state.changed) open(line, effects);
  let wakeAt = Number.POSITIVE_INFINITY;
  const wishes: Wish[] = [];
  const soon = state.askedAt + REQUEST_MS;
  for (const line of state.complete ? state.lines.values() : state.changed) {
    const idleUntil = line.idleSince === undefined ? undefined : line.idleSince + IDLE_MS;
    const isOver = idleUntil !== undefined && idleUntil <= env.now;
    if (state.complete || isOver || line.tells || differs(line)) {
      if (soon > env.now) {
        wakeAt = Math.min(wakeAt, soon);
        continue;
      }
      wishes.push(wish(line));
    }
    if (isOver) end(state, line, effects);
    else if (idleUntil === undefined) state.changed.delete(line);
    else wakeAt = Math.min(wakeAt, idleUntil);
  }
  const mustSay = state.complete || state.acknowledges;
  if (mustSay && soon > env.now) wakeAt = Math.min(wakeAt, soon);
  if (wishes.length > 0 || (mustSay && soon <= env.now)) {
    const { complete, seen } = state;
    state.no += 1;
    state.askedAt = env.now;
    state.complete = false;
    state.acknowledges = false;
    effects.push({ kind: 'request', wanted: { no: state.no, seen, complete, wishes, tasks: [], gone: [] } });
  }
  if (wakeAt < Number.POSITIVE_INFINITY) effects.push({ kind: 'wake', at: wakeAt });
  return effects;
}

/** Whether the scheduler knows of fewer tasks than there are, or of far more. */
function differs({ waiting, out, told }: Line): boolean {
  const count = waiting + out;
  return count > told || told > count * 2 + MANY;
}

function wish(line: Line): Wish {
  const { number, ask, waiting, out, windows } = line;
  line.told = waiting + out;
  line.tells = false;
  const outs = [...windows].filter((each) => each[1].out > 0).map(([node, window]) => [node, window.out] as const);
  return { line: number, ask, count: line.told, out: outs };
}

/** The core hands out as many tasks as there is room for, or all if they fail. */
function open(line: Line, effects: SubmitterEffect[]): void {
  let room = 0;
  if (line.failing !== undefined) room = line.waiting;
  else for (const { w, out } of line.windows.values()) room += Math.max(0, w - out);
  if (room === line.opened) return;
  line.opened = room;
  effects.push({ kind: 'open', line: line.number, window: room });
}

/** The line had no tasks for a while: it gives its windows back. */
function end(state: Submitter, line: Line, effects: SubmitterEffect[]): void {
  line.windows.clear();
  line.idleSince = undefined;
  open(line, effects);
  effects.push({ kind: 'close', line: line.number });
  state.changed.delete(line);
}
