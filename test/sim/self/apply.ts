import type { Change, Effect, Result } from './messages.ts';

/** What a change does to a store: its result, and the effect if it has one. */
export function evaluate(values: ReadonlyMap<string, string>, change: Change): { result: Result; effect?: Effect } {
  const now = values.get(change.key) ?? null;
  switch (change.do) {
    case 'write':
      return { result: null, effect: [change.key, change.value] };
    case 'cas':
      return now === change.expect ? { result: true, effect: [change.key, change.value] } : { result: false };
    case 'append':
      return {
        result: now === null ? 0 : now.split(' ').length,
        effect: [change.key, now === null ? change.value : `${now} ${change.value}`],
      };
  }
}
