import { encode } from './encode.ts';
import type { EncodeHooks } from './hooks.ts';
import { NUMBER_BYTES, writeNumber } from './numbers.ts';
import { ARRAY_SHORT, FALSE, NULL, SHORT_ARRAY_LENGTHS, TRUE, UNDEFINED } from './tags.ts';
import type { Writer } from './writer.ts';

/**
 * Appends the arguments of a call, as `encode` would. `args` is an array of mobula's own, which has neither holes nor other
 * keys, and nothing refers to it: a few numbers, the commonest arguments, are written without looking for any of that.
 */
export function encodeArguments(writer: Writer, args: readonly unknown[], hooks: EncodeHooks, path: string): void {
  const { length } = args;
  if (length >= SHORT_ARRAY_LENGTHS || !args.every(isSimple)) {
    encode(writer, args, hooks, path);
    return;
  }
  writer.ensure(1 + length * NUMBER_BYTES);
  writer.byte(ARRAY_SHORT + length);
  for (const arg of args) {
    if (typeof arg === 'number') writeNumber(writer, arg);
    else if (arg === undefined) writer.byte(UNDEFINED);
    else if (arg === null) writer.byte(NULL);
    else writer.byte(arg === true ? TRUE : FALSE);
  }
}

function isSimple(arg: unknown): boolean {
  return typeof arg === 'number' || arg === undefined || arg === null || typeof arg === 'boolean';
}
