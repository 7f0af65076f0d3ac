import type { Step } from '../../common/step.ts';
import type { Exit, Failure } from './contract.ts';

/** What a supervisor knows of the one process that it keeps running. */
export interface Life {
  /** For messages. */
  readonly name: string;
  /** Whether a process that dies is replaced. */
  readonly replace: boolean;
  phase: 'new' | 'starting' | 'up' | 'waiting' | 'draining' | 'killed' | 'over';
  /** Processes started so far. */
  starts: number;
  wasUp: boolean;
  upSince: number;
  /** Deaths, one soon after the other. */
  deaths: number;
  /** Deaths in a row, of which each was before the process was up. */
  stillborn: number;
  /** Why the process that starts cannot be started, as it said itself. */
  failure: Failure | undefined;
}

export type LifeEvent =
  | { readonly type: 'begin' }
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly failure: Failure }
  /** `problem`: what the system said where no process could be started. */
  | { readonly type: 'exited'; readonly exit: Exit; readonly problem?: string }
  | { readonly type: 'timer' }
  /** Drain, for at most `ms`. The second time: end at once. */
  | { readonly type: 'stop'; readonly ms: number };

export type LifeEffect =
  | { readonly type: 'spawn'; readonly start: number }
  | { readonly type: 'drain'; readonly ms: number }
  | { readonly type: 'kill' }
  /** The only timer: it takes the place of one that has not fired. */
  | { readonly type: 'timer'; readonly ms: number }
  /** The last effect. */
  | { readonly type: 'over'; readonly failure: Failure | undefined };

/** Waits before a process is replaced grow from the first to the second, by 2. */
export const BACK_OFF_MS: readonly [first: number, longest: number] = [100, 5000];
/** A process that was up for so long has nothing to do with the deaths before it. */
export const STEADY_MS = 60_000;
/** So many deaths in a row, each before the process was up, and the supervisor gives up. */
export const STILLBORN = 5;

export function newLife(name: string, replace: boolean): Life {
  const counts = { starts: 0, upSince: 0, deaths: 0, stillborn: 0 };
  return { name, replace, phase: 'new', wasUp: false, failure: undefined, ...counts };
}

/** When a process is started, replaced, told to drain, killed and given up. */
export const lifeStep: Step<Life, LifeEvent, LifeEffect> = (life, event, { now }) => {
  switch (event.type) {
    case 'begin':
      return life.phase === 'new' ? spawn(life) : [];
    case 'ready':
      return up(life, now);
    case 'failed':
      // It exits next.
      if (life.phase === 'starting') life.failure = event.failure;
      return [];
    case 'exited':
      return exited(life, now, event.exit, event.problem);
    case 'timer':
      if (life.phase === 'waiting') return spawn(life);
      return life.phase === 'draining' ? kill(life) : [];
    case 'stop':
      return stop(life, event.ms);
  }
};

function spawn(life: Life): LifeEffect[] {
  life.phase = 'starting';
  life.failure = undefined;
  return [{ type: 'spawn', start: life.starts++ }];
}

function up(life: Life, now: number): LifeEffect[] {
  if (life.phase !== 'starting') return [];
  life.phase = 'up';
  life.wasUp = true;
  life.upSince = now;
  life.stillborn = 0;
  return [];
}

function stop(life: Life, ms: number): LifeEffect[] {
  switch (life.phase) {
    case 'new':
    case 'waiting':
      return over(life, undefined);
    case 'up':
      life.phase = 'draining';
      return [
        { type: 'drain', ms },
        { type: 'timer', ms },
      ];
    case 'starting':
      // It has nothing to drain yet.
      return kill(life);
    case 'draining':
      return kill(life);
    default:
      return [];
  }
}

function kill(life: Life): LifeEffect[] {
  life.phase = 'killed';
  return [{ type: 'kill' }];
}

function over(life: Life, failure: Failure | undefined): LifeEffect[] {
  life.phase = 'over';
  return [{ type: 'over', failure }];
}

function exited(life: Life, now: number, exit: Exit, problem: string | undefined): LifeEffect[] {
  switch (life.phase) {
    case 'draining':
    case 'killed':
      return over(life, undefined);
    case 'starting':
      return stillborn(life, exit, problem);
    case 'up':
      if (!life.replace) return over(life, died(`The ${life.name} died: ${how(exit)}`));
      if (now - life.upSince >= STEADY_MS) life.deaths = 0;
      return wait(life);
    default:
      return [];
  }
}

function stillborn(life: Life, exit: Exit, problem: string | undefined): LifeEffect[] {
  // What it said of itself is so the next time, too, but for a head or a port that was there before and will be again.
  if (life.failure !== undefined && !life.wasUp) return over(life, life.failure);
  const why = life.failure?.message ?? problem ?? how(exit);
  if (!life.replace) return over(life, died(`The ${life.name} died while it started: ${why}`));
  if (++life.stillborn < STILLBORN) return wait(life);
  const advice = 'What it printed before says more; mend that and start it again';
  const text = `The ${life.name} died ${STILLBORN} times in a row while it started, the last time: ${why}. ${advice}`;
  return over(life, died(text));
}

/** Waits, and then replaces the process. */
function wait(life: Life): LifeEffect[] {
  const [first, longest] = BACK_OFF_MS;
  life.phase = 'waiting';
  return [{ type: 'timer', ms: Math.min(longest, first * 2 ** life.deaths++) }];
}

function died(message: string): Failure {
  return { code: 'ERR_MOBULA_NODE_DIED', message };
}

/** How a process ended, in words. */
export function how({ code, signal }: Exit): string {
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}
