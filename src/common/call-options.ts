import { MobulaError } from './errors.ts';
import { checkKnown, checkSignal, whole } from './options.ts';

/** Options of the calls of an actor's method: `handle.method.options({ … }).remote(…)`. */
export interface CallOptions {
  /**
   * Milliseconds the call may take once it has begun. Then it rejects with `TaskTimeoutError`, and the actor's thread is
   * stopped: an actor without `maxRestarts` dies with it, as do those that share its thread. Default: no limit.
   */
  readonly timeoutMs?: number;
  /** Aborting it cancels the call. */
  readonly signal?: AbortSignal;
  /** More than 1: the method returns an array of that length, and the call gives that many refs. Default: 1. */
  readonly numReturns?: number;
}

/** `CallOptions`, checked and complete. */
export interface ResolvedCallOptions {
  /** 0 = no limit. */
  readonly timeoutMs: number;
  readonly numReturns: number;
  readonly signal: AbortSignal | undefined;
}

/** Checks the options of a method's calls and fills in what is missing from `base`. */
export function resolveCallOptions(
  options: CallOptions,
  base: ResolvedCallOptions | undefined,
  generator: boolean,
): ResolvedCallOptions {
  checkKnown(options, ['timeoutMs', 'signal', 'numReturns'], 'CallOptions');
  const {
    timeoutMs = base?.timeoutMs || undefined,
    numReturns = base?.numReturns ?? 1,
    signal = base?.signal,
  } = options;
  checkSignal(signal);
  if (generator && numReturns !== 1) {
    throw new MobulaError('ERR_MOBULA_INVALID_OPTION', 'A generator yields a stream; it takes no numReturns.');
  }
  return {
    timeoutMs: timeoutMs === undefined ? 0 : whole('timeoutMs', timeoutMs, 1, 2 ** 31 - 1),
    numReturns: whole('numReturns', numReturns, 1, 1_000_000),
    signal,
  };
}
