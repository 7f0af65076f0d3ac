import type { Model } from './linearizable.ts';

export type RegisterInput =
  | { readonly do: 'read' }
  | { readonly do: 'write'; readonly value: string }
  /** Writes `value` if `expect` is there. */
  | { readonly do: 'cas'; readonly expect: string | null; readonly value: string };

/** Of a read: the value. Of a write: null. Of a compare-and-set: whether it has written. */
export type RegisterResult = string | boolean | null;

/** A register with compare-and-set, empty (null) at first. */
export const register: Model<string | null, RegisterInput, RegisterResult> = {
  initial: null,
  apply(state, input) {
    if (input.do === 'read') return { state, result: state };
    if (input.do === 'write') return { state: input.value, result: null };
    return state === input.expect ? { state: input.value, result: true } : { state, result: false };
  },
  same: (expected, got) => expected === got,
  changesNothing: (input, result) => input.do === 'read' || result === false,
  id: (state) => (state === null ? '' : `=${state}`),
};

export type LogInput =
  /** Appends; with `at` only if the log is that long. */
  { readonly do: 'append'; readonly entry: string; readonly at?: number } | { readonly do: 'read' };

/** Of an append: the index of the entry, or null if the log was not that long. Of a read: all entries. */
export type LogResult = number | null | readonly string[];

/** A log that only grows. Its entries hold no line break. */
export const appendLog: Model<readonly string[], LogInput, LogResult> = {
  initial: [],
  apply(state, input) {
    if (input.do === 'read') return { state, result: state };
    if (input.at !== undefined && input.at !== state.length) return { state, result: null };
    return { state: [...state, input.entry], result: state.length };
  },
  same: (expected, got) =>
    Array.isArray(expected) && Array.isArray(got)
      ? expected.length === got.length && expected.every((entry, i) => entry === got[i])
      : expected === got,
  changesNothing: (input, result) => input.do === 'read' || result === null,
  id: (state) => state.join('\n'),
};
