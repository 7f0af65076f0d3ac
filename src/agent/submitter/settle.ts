/** What has changed in a turn is told to the core and to the global scheduler. */
import type { Env } from '../../common/step.ts';
import type { Wish } from '../ports.ts';
import type { Line, Submitter, SubmitterEffect } from './state.ts';

/** Milliseconds between two requests: a burst of tasks is one request. */
const REQUEST_MS = 1;
/** Milliseconds for which a line without tasks keeps its windows: one task at a time needs no request for each. */
const IDLE_MS = 200;
/** What the core calls the tasks that follow others, and how many of them may be out. */
const FOLLOWERS = 0;
const MOST_FOLLOWERS = 1024;
/** By how many tasks more than twice their number the scheduler may be wrong. */
const MANY = 64;

export function settle(state: Submitter, env: Env): readonly SubmitterEffect[] {
  const effects: SubmitterEffect[] = [];
  for (const line of state.changed) open(line, effects);
  openFollowers(state, effects);
  const soon = state.askedAt + REQUEST_MS;
  const wakeAt = Math.min(request(state, env, soon, effects), ...end(state, env, effects));
  if (wakeAt < Number.POSITIVE_INFINITY) effects.push({ kind: 'wake', at: wakeAt });
  return effects;
}

/** Asks the scheduler, unless it was asked just now. Gives when it is to be asked. */
function request(state: Submitter, env: Env, soon: number, effects: SubmitterEffect[]): number {
  const { complete } = state;
  const due = [...(complete ? state.lines.values() : state.changed)].filter((line) => complete || isDue(line, env));
  if (due.length === 0 && !complete && !state.acknowledges) return Number.POSITIVE_INFINITY;
  if (soon > env.now) return soon;
  const wishes = due.map(wish);
  state.no += 1;
  state.askedAt = env.now;
  state.complete = false;
  state.acknowledges = false;
  effects.push({ kind: 'request', wanted: { no: state.no, seen: state.seen, complete, wishes, tasks: [], gone: [] } });
  return Number.POSITIVE_INFINITY;
}

function isDue(line: Line, { now }: Env): boolean {
  return line.tells || differs(line) || (isOver(line, now) && line.told > 0);
}

/** Whether a line has had no tasks for a while. */
function isOver({ idleSince }: Line, now: number): boolean {
  return idleSince !== undefined && idleSince + IDLE_MS <= now;
}

/** Lines that are over, and known to be, give their windows back. Gives when others may be over. */
function end(state: Submitter, { now }: Env, effects: SubmitterEffect[]): number[] {
  const times: number[] = [];
  for (const line of state.changed) {
    if (line.idleSince === undefined) {
      if (!line.tells && !differs(line)) state.changed.delete(line);
    } else if (!isOver(line, now)) {
      times.push(line.idleSince + IDLE_MS);
    } else if (line.told === 0) {
      line.windows.clear();
      line.idleSince = undefined;
      open(line, effects);
      effects.push({ kind: 'close', line: line.number });
      state.changed.delete(line);
    }
  }
  return times;
}

/** Whether the scheduler knows of fewer tasks than there are, or of far more. */
function differs(line: Line): boolean {
  const { told } = line;
  const count = countOf(line);
  return count > told || told > count * 2 + MANY;
}

/** How many tasks want a place: those that wait, and those that have one. What is out beyond its window wants no other. */
function countOf({ waiting, windows }: Line): number {
  let count = waiting;
  for (const { w, out } of windows.values()) count += Math.min(w, out);
  return count;
}

function wish(line: Line): Wish {
  const { number, ask, near, windows } = line;
  line.told = countOf(line);
  line.tells = false;
  const outs = [...windows].filter((each) => each[1].out > 0).map(([node, window]) => [node, window.out] as const);
  const large = near === undefined ? [] : [{ bytes: near.bytes, places: [near.node] }];
  return { line: number, ask, large, count: line.told, out: outs };
}

/** The core hands out as many tasks that follow others as there is room for, told when half of that was used. */
function openFollowers(state: Submitter, effects: SubmitterEffect[]): void {
  const room = MOST_FOLLOWERS - state.followers;
  if (state.openedFollowers * 2 > MOST_FOLLOWERS || room <= state.openedFollowers) return;
  state.openedFollowers = room;
  effects.push({ kind: 'open', line: FOLLOWERS, window: room });
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
