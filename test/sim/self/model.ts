import type { Model } from '../check/linearizable.ts';
import { evaluate } from './apply.ts';
import type { Change, Result } from './messages.ts';

export type StoreInput = { readonly do: 'read' } | Change;
export type StoreResult = Result | string;

/** One key of the store. */
export const storeKey: Model<string | null, StoreInput, StoreResult> = {
  initial: null,
  apply(state, input) {
    if (input.do === 'read') return { state, result: state };
    const { result, effect } = evaluate(state === null ? new Map() : new Map([[input.key, state]]), input);
    return { state: effect?.[1] ?? state, result };
  },
  same: (expected, got) => expected === got,
  changesNothing: (input, result) => input.do === 'read' || result === false,
  id: (state) => (state === null ? '' : `=${state}`),
};
