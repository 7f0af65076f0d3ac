import { inspect } from 'node:util';

/** Beyond this many elements, listing all keys costs more than asking `inspect`. */
const LISTED = 192;
/** Saves making the name of the last index, the most common last key of all. */
const indexNames = Array.from({ length: LISTED }, (_, index) => String(index));
const onlyExtraKeys = {
  depth: 0,
  maxArrayLength: 0,
  customInspect: false,
  breakLength: Number.POSITIVE_INFINITY,
} as const;

/**
 * The own enumerable string keys of an array or typed array that are not among its `length` indices;
 * `undefined` when there are none. `label` is what `inspect` puts before the elements.
 *
 * JavaScript has no cheap way to ask this of a long array: Object.keys makes a string of every index. `inspect`
 * asks V8 for the other keys only, so for long arrays it goes first; where its answer is not exactly the one of an
 * array without such keys, or is worded anew in some later Node, all keys are listed.
 */
export function extraKeys(value: object, length: number, label: string): string[] | undefined {
  if (length > LISTED && inspect(value, onlyExtraKeys) === `${label}[ ... ${length} more items ]`) return undefined;
  const keys = Object.keys(value);
  if (keys.length === 0) return undefined;
  // Indices come before all other keys, so there are others only if the last key is one.
  const last = keys[keys.length - 1] as string;
  if (last === indexNames[length - 1] || isIndex(last, length)) return undefined;
  let first = keys.length - 1;
  while (first > 0 && !isIndex(keys[first - 1] as string, length)) first--;
  return keys.slice(first);
}

function isIndex(key: string, length: number): boolean {
  const index = Number(key);
  return Number.isInteger(index) && index >= 0 && index < length && String(index) === key;
}
