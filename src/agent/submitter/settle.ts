/** What has changed in a turn is told to the core and to the global scheduler. */
import type { Env } from '../../common/step.ts';
import type { Wish } from '../ports.ts';
import type { Line, Submitter, SubmitterEffect } from './state.ts';

/** Milliseconds between two requests: a burst of tasks is one request. */
const REQUEST_MS = 1;
/** Milliseconds for which a line without tasks keeps its windows: one task at a time needs no request for each. */
const IDLE_MS = 200;
/** After so many milliseconds in which a line has lacked any place, those without tasks keep theirs no longer. */
const LACK_MS = 5;
/** What the core calls the tasks that follow others, and how many of them may be out. */
const FOLLOWERS = 0;
const MOST_FOLLOWERS = 1024;
/** By how many tasks more than twice their number the scheduler may be wrong. */
const MANY = 64;

export function settle(state: Submitter, env: Env): readonly SubmitterEffect[] {
  const effects: SubmitterEffect[] = [];
  for (const line of state.changed) {
    recall(state, line, effects);
    open(line, effects);
    judgeLack(state, line, env);
  }
  openFollowers(state, effects);
  const soon = state.askedAt + REQUEST_MS;
  const over = overFrom(state);
  const wakeAt = Math.min(request(state, env, soon, over, effects), ...end(state, env, over, effects));
  if (wakeAt < Number.POSITIVE_INFINITY) effects.push({ kind: 'wake', at: wakeAt });
  return effects;
}

/** Asks the scheduler, unless it was asked just now. Gives when it is to be asked. */
function request(state: Submitter, env: Env, soon: number, over: Over, effects: SubmitterEffect[]): number {
  const { complete } = state;
  const due = [...(complete ? state.lines.values() : state.changed)].filter(
    (line) => complete || isDue(line, env, over),
  );
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

function isDue(line: Line, { now }: Env, over: Over): boolean {
  return line.tells || differs(line) || (line.told > 0 && line.idleSince !== undefined && over(line.idleSince) <= now);
}

/** When a line is over that has had no tasks since a time. */
type Over = (idleSince: number) => number;

/** Lines without tasks keep their windows for a while, unless another one needs the place. */
function overFrom({ lacking }: Submitter): Over {
  const [longest] = lacking.values();
  if (longest === undefined) return (idleSince) => idleSince + IDLE_MS;
  return (idleSince) => Math.min(idleSince + IDLE_MS, Math.max(idleSince, longest) + LACK_MS);
}

/** Whether a line has tasks that wait, and no place at all: this node runs none of them either. */
function judgeLack({ lacking }: Submitter, line: Line, { now }: Env): void {
  if (line.ask.strategy === 'elsewhere') return;
  if (line.waiting === 0 || line.opened > 0 || line.out > 0) lacking.delete(line);
  else if (!lacking.has(line)) lacking.set(line, now);
}

/** Lines that are over, and known to be, give their windows back. Gives when others may be over. */
function end(state: Submitter, { now }: Env, over: Over, effects: SubmitterEffect[]): number[] {
  const times: number[] = [];
  for (const line of state.changed) {
    if (line.idleSince === undefined) {
      if (!line.tells && !differs(line)) state.changed.delete(line);
    } else if (over(line.idleSince) > now) {
      times.push(over(line.idleSince));
    } else if (line.told === 0 && !line.tells) {
      line.windows.clear();
      line.gaveBack = true;
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
  const more = line.ask.strategy === 'elsewhere' ? told / 4 : 0;
  return count > told + more || told > count * 2 + MANY;
}

/**
 * How many tasks want a place: those that wait, and those that have one. What is out beyond its window wants no other. What is stuck
 * wants one more. As long as there are such tasks, the room of slow nodes is not wanted: it counts as taken.
 */
function countOf({ waiting, windows, stuck, recalled }: Line): number {
  let count = waiting + stuck.size;
  const some = count + recalled.size > 0;
  for (const { w, out, isSlow } of windows.values()) count += isSlow && some ? w : Math.min(w, out);
  return count;
}

function wish(line: Line): Wish {
  const { number, ask, near, meanMs, windows } = line;
  line.told = countOf(line);
  line.tells = false;
  const outs = [...windows].filter((each) => each[1].out > 0).map(([node, window]) => [node, window.out] as const);
  const large = near === undefined ? [] : [{ bytes: near.bytes, places: [near.node] }];
  return { line: number, ask, large, count: line.told, meanMs, out: outs };
}

/** The core hands out as many tasks that follow others as there is room for, told when half of that was used. */
function openFollowers(state: Submitter, effects: SubmitterEffect[]): void {
  const room = MOST_FOLLOWERS - state.followers;
  if (state.openedFollowers * 2 > MOST_FOLLOWERS || room <= state.openedFollowers) return;
  state.openedFollowers = room;
  effects.push({ kind: 'open', line: FOLLOWERS, window: room });
}

/** Tasks that are stuck come back, as far as there are other places, which nothing else wants. */
function recall({ flights }: Submitter, line: Line, effects: SubmitterEffect[]): void {
  if (line.stuck.size === 0 || line.waiting > 0) return;
  let room = -line.recalled.size;
  for (const { w, out, isSlow } of line.windows.values()) if (!isSlow) room += Math.max(0, w - out);
  for (const index of line.stuck) {
    const flight = flights.get(index);
    if (room <= 0 || flight === undefined) return;
    room -= 1;
    line.stuck.delete(index);
    line.recalled.add(index);
    const { node, generation, attempt } = flight;
    effects.push({ kind: 'recall', node, index, generation, attempt });
  }
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
