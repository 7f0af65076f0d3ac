import { verdicts } from './feasible.ts';
import type { NodeId } from './ports.ts';
import type { Turn } from './state.ts';
import { sayAgain } from './windows.ts';

/** Says all that holds for a submitter once more, and asks for all it wants: what was on its way to it may be lost, and from it. */
export function onAgain(turn: Turn, to: NodeId): void {
  const { state, effects } = turn;
  if (state.alive?.has(to) !== true) return;
  effects.push({ kind: 'ask-all', to });
  const submitter = state.submitters.get(to);
  if (submitter === undefined) return;
  for (const group of [submitter.lines, submitter.tasks]) {
    for (const line of group.values()) {
      line.told = false;
      for (const window of line.windows.values()) sayAgain(window, effects);
    }
  }
  verdicts(turn);
}
