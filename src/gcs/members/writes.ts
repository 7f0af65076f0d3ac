import type { AuthorityEffect, Change } from './ports.ts';
import type { After, AuthorityState } from './state.ts';

/** Writes to the tables; `after` says what is done when that is on the disk. */
export function write(
  state: AuthorityState,
  changes: readonly Change[],
  effects: AuthorityEffect[],
  after: After = () => [],
): void {
  state.lastWrite += 1;
  state.writes.set(state.lastWrite, after);
  effects.push({ kind: 'write', id: state.lastWrite, changes });
}

/** Writes a sweep, step by step, until it has come to the end. `before`: what is written with its first step. */
export function sweep(
  state: AuthorityState,
  before: readonly Change[],
  step: (from: number) => Change,
  effects: AuthorityEffect[],
  end: readonly AuthorityEffect[],
): void {
  const go = (first: readonly Change[], from: number, into: AuthorityEffect[]): void =>
    write(state, [...first, step(from)], into, (next) => {
      if (next === null) return end;
      const more: AuthorityEffect[] = [];
      go([], next, more);
      return more;
    });
  go(before, 0, effects);
}
