import type { Wanted } from '../../../src/agent/ports.ts';
import { newSubmitter, type SubmitterEffect, type SubmitterEvent } from '../../../src/agent/submitter/state.ts';
import { submitterStep } from '../../../src/agent/submitter/step.ts';

export const ask = (fn: string): string =>
  JSON.stringify({ job: '1', fn, priority: 0, demand: { CPU: 10_000 }, strategy: 'default', infeasibleAfterMs: 10 });

/** What else the core says of a task all of whose arguments go along. */
export const atHand = { mayRepeat: true, tooLarge: false, lacks: false } as const;

/** Drives the step by hand. */
export function bench() {
  const state = newSubmitter();
  const env = { now: 0, random: () => 0 };
  const give = (event: SubmitterEvent): readonly SubmitterEffect[] => submitterStep(state, event, env);
  const settle = (): readonly SubmitterEffect[] => give({ kind: 'settle' });
  const line = (number: number, waiting: number, first = true): readonly SubmitterEffect[] =>
    give({
      kind: 'line',
      line: number,
      waiting,
      meanMs: undefined,
      ask: first ? ask('f') : undefined,
      near: undefined,
      over: false,
    });
  const grant = (no: number, node: string, w: number): readonly SubmitterEffect[] =>
    give({ kind: 'granted', word: { kind: 'grant', no, line: 1, node, w } });
  /** A line of so many tasks, and windows at nodes. */
  const open = (waiting: number, ...windows: readonly (readonly [node: string, w: number])[]): void => {
    line(1, waiting);
    settle();
    for (const [i, [node, w]] of windows.entries()) grant(i + 1, node, w);
    settle();
  };
  const task = (index: number, attempt = 1): readonly SubmitterEffect[] =>
    give({ kind: 'task', index, generation: 0, attempt, line: 1, ...atHand });
  const follower = (index: number, makers: readonly number[], text = ask('f')): readonly SubmitterEffect[] =>
    give({
      kind: 'follower',
      index,
      generation: 0,
      attempt: 1,
      ask: text,
      makers: makers.map((maker) => ({ index: maker, generation: 0, attempt: 1 })),
      mayRepeat: true,
      tooLarge: false,
    });
  const answer = (node: string, index: number, attempt = 1): readonly SubmitterEffect[] =>
    give({ kind: 'answer', node, index, generation: 0, attempt, hasBegun: true });
  return { state, env, give, settle, line, grant, open, task, follower, answer };
}

export const requests = (effects: readonly SubmitterEffect[]): Wanted[] =>
  effects.flatMap((effect) => (effect.kind === 'request' ? [effect.wanted] : []));

export const kinds = (effects: readonly SubmitterEffect[]): string[] => effects.map(({ kind }) => kind);

export const opens = (effects: readonly SubmitterEffect[]): (readonly [line: number, window: number])[] =>
  effects.flatMap((effect) =>
    effect.kind === 'open' && effect.line > 0 ? [[effect.line, effect.window] as const] : [],
  );
