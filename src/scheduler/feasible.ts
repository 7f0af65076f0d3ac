/** Lines that no node can ever run, as nodes are now: after a while their submitters are told. */
import { about, can } from './lines.ts';
import type { Line, NodeState } from './model.ts';
import type { SchedulerState, Turn } from './state.ts';

/** While a node has not reported, what it could run is not known. */
const AGAIN_MS = 100;

/** Notes whether some node can ever run the line. */
export function noteAble(turn: Turn, line: Line, able: boolean): void {
  const { unable } = turn.state;
  if (able || line.count === 0 || line.ask.strategy === 'elsewhere') {
    line.infeasibleSince = null;
    line.told = false;
    unable.delete(line);
    return;
  }
  if (unable.has(line)) return;
  line.infeasibleSince = turn.now;
  unable.add(line);
  turn.effects.push({ kind: 'wake', at: turn.now + line.ask.infeasibleAfterMs });
}

/** A node came or has more than before. */
export function nodeGained(turn: Turn, node: NodeState): void {
  for (const line of turn.state.unable) if (can(turn.state, line, node)) noteAble(turn, line, true);
}

/** A node went or has less than before. */
export function nodeLost(turn: Turn): void {
  const { list, submitters } = turn.state;
  for (const { lines, tasks } of submitters.values()) {
    for (const group of [lines, tasks]) {
      for (const line of group.values())
        noteAble(
          turn,
          line,
          list.some((node) => can(turn.state, line, node)),
        );
    }
  }
}

/** Tells the submitters of lines whose time is up. */
export function verdicts(turn: Turn): void {
  const { state, now, effects } = turn;
  if (state.unable.size === 0) return;
  const known = allReported(state);
  let again = false;
  for (const line of state.unable) {
    if (line.told) continue;
    const { strategy, infeasibleAfterMs } = line.ask;
    const named = typeof strategy === 'object' && !strategy.soft ? strategy.nodeId : null;
    const died = named !== null && state.dead.has(named);
    const due = now - (line.infeasibleSince ?? now) >= infeasibleAfterMs;
    if (!died && !(due && known)) {
      again ||= due;
      continue;
    }
    line.told = true;
    const to = line.submitter.id;
    if (named !== null && (died || state.alive?.has(named) !== true))
      effects.push({ kind: 'node-died', to, about: about(line), node: named });
    else effects.push({ kind: 'infeasible', to, about: about(line) });
  }
  if (again) effects.push({ kind: 'wake', at: now + AGAIN_MS });
}

function allReported({ alive, nodes }: SchedulerState): boolean {
  if (alive === null) return false;
  for (const id of alive) if ((nodes.get(id)?.no ?? -1) < 0) return false;
  return true;
}
