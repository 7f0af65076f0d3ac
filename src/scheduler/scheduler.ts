import type { Step } from '../common/step.ts';
import { onAgain } from './again.ts';
import { verdicts } from './feasible.ts';
import { onJobEnded, onMembers, onReport } from './nodes.ts';
import type { SchedulerEffect, SchedulerEvent } from './ports.ts';
import { onRequest } from './requests.ts';
import { ready } from './start.ts';
import type { SchedulerState, Turn } from './state.ts';

/** The global scheduler: which tasks go where, by the paper's estimated waiting time. */
export const scheduler: Step<SchedulerState, SchedulerEvent, SchedulerEffect> = (state, event, env) => {
  const turn: Turn = { state, now: env.now, env, effects: [] };
  switch (event.kind) {
    case 'report':
      onReport(turn, event);
      break;
    case 'request':
      onRequest(turn, event);
      break;
    case 'members':
      onMembers(turn, event.alive);
      break;
    case 'job-ended':
      onJobEnded(turn, event.job);
      break;
    case 'again':
      onAgain(turn, event.to);
      break;
    case 'tick':
      ready(turn);
      verdicts(turn);
      break;
  }
  return turn.effects;
};
