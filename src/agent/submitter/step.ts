/**
 * The submitting half of an agent: which node each task goes to that its own node does not keep.
 *
 * 1. The record of a task is its submitter's core. Here is only where each attempt is: an answer counts if it is of the attempt
 *    that is out, and comes from the node where that is.
 * 2. What has no place stays in the core (late binding). The core hands out as many tasks of a line as its windows have room.
 * 3. Only the record makes another attempt; a node answers each attempt once.
 * 4. What was at a node that died and had not begun goes back to its line: it is the same attempt. What had begun, or may have, is lost.
 * 5. A task whose arguments are being made at one node, and that any node may run, follows them there (`follow.ts`).
 */
import type { Env, Step } from '../../common/step.ts';
import { attemptKey } from '../begun.ts';
import type { Ask, Granted, NodeId } from '../ports.ts';
import type { Attempted } from '../wire/entries.ts';
import { follow } from './follow.ts';
import { settle } from './settle.ts';
import type { Failing, Line, Near, Submitter, SubmitterEffect, SubmitterEvent, Window } from './state.ts';

export const submitterStep: Step<Submitter, SubmitterEvent, SubmitterEffect> = (state, event, env) => {
  switch (event.kind) {
    case 'line':
      return lineNews(state, event, env);
    case 'task':
      return task(state, event);
    case 'follower':
      return follow(state, event);
    case 'stop':
      return stop(state, event);
    case 'answer':
      return answered(state, event, env);
    case 'waits':
      return waits(state, event);
    case 'leaving':
      return leaving(state, event);
    case 'granted':
      return granted(state, event.word);
    case 'ask-all':
      if (event.fresh) state.seen = 0;
      state.complete = true;
      return none;
    case 'dead':
      return dead(state, event, env);
    case 'settle':
      return settle(state, env);
  }
};

const none: readonly never[] = [];

type Of<Kind extends SubmitterEvent['kind']> = Extract<SubmitterEvent, { kind: Kind }>;

function lineNews(
  state: Submitter,
  { line: number, waiting, meanMs, ask, near, over }: Of<'line'>,
  env: Env,
): readonly never[] {
  let line = state.lines.get(number);
  if (line === undefined) {
    if (ask === undefined) throw new Error(`line ${number} came without what it asks for`);
    line = begin(number, JSON.parse(ask) as Ask, near);
    state.lines.set(number, line);
    state.byAsk.set(ask, line);
  }
  line.waiting = waiting;
  line.meanMs = meanMs;
  if (waiting === 0) line.failing = undefined;
  else if (line.judged && line.failing === undefined) {
    // They came after the scheduler's word, which it does not repeat by itself.
    line.judged = false;
    line.tells = true;
  }
  line.idleSince = waiting + line.out > 0 ? undefined : (line.idleSince ?? env.now);
  state.changed.add(line);
  if (over) forget(state, line);
  return none;
}

/** The core has ended a line. */
function forget(state: Submitter, line: Line): void {
  state.lines.delete(line.number);
  state.changed.delete(line);
  state.lacking.delete(line);
  for (const [ask, other] of state.byAsk) if (other === line) state.byAsk.delete(ask);
}

function begin(number: number, ask: Ask, near: Near | undefined): Line {
  return {
    number,
    ask,
    near,
    waiting: 0,
    meanMs: undefined,
    out: 0,
    windows: new Map(),
    stuck: new Set(),
    recalled: new Set(),
    gaveBack: false,
    opened: 0,
    told: 0,
    tells: false,
    failing: undefined,
    judged: false,
    idleSince: undefined,
  };
}

function task(state: Submitter, event: Of<'task'>): readonly SubmitterEffect[] {
  const { index, generation, attempt, mayRepeat, tooLarge } = event;
  const line = state.lines.get(event.line);
  if (line === undefined) throw new Error('a task came of a line that there is not');
  line.opened -= 1;
  line.idleSince = undefined;
  state.changed.add(line);
  // This node runs it, if it is one that others are only offered.
  if (tooLarge && line.ask.strategy === 'elsewhere') return [{ kind: 'give-back', index }];
  if (tooLarge) return [{ kind: 'fail', index, why: { kind: 'too-large' }, ask: line.ask }];
  if (line.failing !== undefined) return [{ kind: 'fail', index, why: line.failing, ask: line.ask }];
  const found = event.lacks ? undefined : (roomAt(line, line.near?.node) ?? emptiest(line));
  if (found === undefined) return [{ kind: 'give-back', index }];
  const [node, window] = found;
  window.out += 1;
  line.out += 1;
  const flight = { generation, attempt, node, ask: line.ask, line, makers: undefined, mayRepeat };
  state.flights.set(index, flight);
  return [{ kind: 'send', node }];
}

/** A node, if there is room in its window. */
function roomAt({ windows }: Line, node: NodeId | undefined): readonly [NodeId, Window] | undefined {
  const window = node === undefined ? undefined : windows.get(node);
  if (node === undefined || window === undefined || window.isSlow) return undefined;
  return window.out < window.w ? [node, window] : undefined;
}

/** The node with the most room in its window. */
function emptiest(line: Line): readonly [NodeId, Window] | undefined {
  let best: readonly [NodeId, Window] | undefined;
  for (const each of line.windows) {
    const [, window] = each;
    if (window.out < window.w && (best === undefined || isBetter(window, best[1]))) best = each;
  }
  return best;
}

function isBetter(one: Window, other: Window): boolean {
  return one.isSlow === other.isSlow ? one.w - one.out > other.w - other.out : other.isSlow;
}

/** A task wants another place, and others are to go where it is only if they have none. */
function waits(state: Submitter, event: Of<'waits'>): readonly never[] {
  const { node, index } = event;
  const line = isOut(state, node, event) ? state.flights.get(index)?.line : undefined;
  const window = line?.windows.get(node);
  if (line === undefined || window === undefined) return none;
  // Those that were recalled of there and are still out had begun.
  forgetAt(state, line.recalled, node);
  line.stuck.add(index);
  line.tells = true;
  window.isSlow = true;
  state.changed.add(line);
  return none;
}

/** A task has ended at a node: those that wait there go on. */
function goesOn(state: Submitter, line: Line, node: NodeId): void {
  const window = line.windows.get(node);
  if (window?.isSlow !== true) return;
  window.isSlow = false;
  forgetAt(state, line.stuck, node);
  forgetAt(state, line.recalled, node);
}

function forgetAt({ flights }: Submitter, tasks: Set<number>, node: NodeId): void {
  for (const index of tasks) if (flights.get(index)?.node === node) tasks.delete(index);
}

/** What comes back of a node that leaves goes elsewhere, whatever the scheduler has granted there. */
function leaving(state: Submitter, { node }: Of<'leaving'>): readonly never[] {
  state.leaving.add(node);
  for (const line of state.lines.values()) {
    const window = line.windows.get(node);
    if (window === undefined) continue;
    window.w = 0;
    state.changed.add(line);
  }
  return none;
}

function stop({ flights }: Submitter, event: Of<'stop'>): readonly SubmitterEffect[] {
  const { index, generation, force, recursive } = event;
  const flight = flights.get(index);
  if (flight?.generation !== generation) return none;
  const { node, attempt } = flight;
  return [{ kind: 'cancel', node, index, generation, attempt, force, recursive }];
}

/** Whether this attempt is out, at this node: what comes of it counts. */
export function isOut({ flights }: Submitter, node: NodeId, { index, generation, attempt }: Attempted): boolean {
  const flight = flights.get(index);
  return flight?.generation === generation && flight.attempt === attempt && flight.node === node;
}

/** The place of a task whose attempt makes an argument of this one and is out itself. */
export function lateMaker(state: Submitter, node: NodeId, { index, generation }: Attempted): number | undefined {
  const flight = state.flights.get(index);
  if (flight?.makers === undefined || flight.generation !== generation || flight.node !== node) return undefined;
  return flight.makers.find((maker) => isOut(state, node, maker))?.index;
}

function answered(state: Submitter, event: Of<'answer'>, env: Env): readonly SubmitterEffect[] {
  const { node, index } = event;
  const flight = state.flights.get(index);
  if (flight === undefined || !isOut(state, node, event)) return none;
  if (event.hasBegun && flight.line !== undefined) goesOn(state, flight.line, node);
  land(state, index, env);
  return [{ kind: 'end', index, ask: flight.ask }];
}

/** A task is not out any more. */
function land(state: Submitter, index: number, env: Env): void {
  const flight = state.flights.get(index);
  if (flight === undefined) return;
  const { line, node } = flight;
  state.flights.delete(index);
  if (line === undefined) {
    state.followers -= 1;
    return;
  }
  line.out -= 1;
  line.stuck.delete(index);
  line.recalled.delete(index);
  const window = line.windows.get(node);
  if (window !== undefined) {
    // More was out there than allowed, as the scheduler knows: it counts that against the node until it is told.
    line.tells ||= window.out > window.w;
    window.out -= 1;
    if (window.out === 0 && window.w === 0) line.windows.delete(node);
  }
  if (line.out + line.waiting === 0) line.idleSince = env.now;
  state.changed.add(line);
}

function granted(state: Submitter, word: Granted): readonly never[] {
  const line = state.lines.get(word.line);
  if (word.kind !== 'grant') {
    if (line !== undefined) fail(state, line, word);
    return none;
  }
  if (word.no <= state.seen) return none;
  state.seen = word.no;
  if (line === undefined || state.dead.has(word.node)) {
    state.acknowledges = true;
    // A session with a node that lives has ended: its tasks have no other node to wait for.
    const strategy = line?.ask.strategy;
    if (line !== undefined && typeof strategy === 'object' && !strategy.soft) fail(state, line, nodeDied(word));
    return none;
  }
  const window = line.windows.get(word.node);
  // The scheduler must hear that a smaller one was seen. It may have made one smaller that was given back before.
  const leaves = state.leaving.has(word.node);
  line.tells ||= leaves || (window === undefined ? line.gaveBack : word.w < window.w);
  const w = leaves ? 0 : word.w;
  if (window !== undefined) window.w = w;
  else if (w > 0) line.windows.set(word.node, { w, out: 0, isSlow: false });
  line.failing = undefined;
  state.changed.add(line);
  return none;
}

function nodeDied({ line, node }: Extract<Granted, { kind: 'grant' }>): Exclude<Granted, { kind: 'grant' }> {
  return { kind: 'node-died', line, node };
}

function fail(state: Submitter, line: Line, word: Exclude<Granted, { kind: 'grant' }>): void {
  const why: Failing = word.kind === 'infeasible' ? { kind: 'infeasible' } : { kind: 'node-died', node: word.node };
  line.judged = true;
  if (line.waiting === 0) return;
  line.failing = why;
  state.changed.add(line);
}

function dead(state: Submitter, { node, begun }: Of<'dead'>, env: Env): readonly SubmitterEffect[] {
  state.dead.add(node);
  state.leaving.delete(node);
  const effects: SubmitterEffect[] = [];
  for (const [index, flight] of state.flights.entries()) {
    if (flight.node !== node) continue;
    land(state, index, env);
    const { generation, attempt, ask } = flight;
    if (begun?.has(attemptKey({ index, generation, attempt })) === false) effects.push({ kind: 'give-back', index });
    else effects.push({ kind: 'lost', index, attempt, fn: ask.fn, node });
  }
  for (const line of state.lines.values()) if (line.windows.delete(node)) state.changed.add(line);
  return effects;
}
