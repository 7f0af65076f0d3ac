import { isMobulaError, type MobulaError } from '../common/errors.ts';

/** One of the things `mobula` can be told to do. */
export interface Command {
  /** The line in the list of commands. */
  readonly summary: string;
  /** What `--help` prints, from "usage:" on. */
  readonly usage: string;
  /** Does it, and gives the exit code: 0, or 1 for failed. What it throws is told in one line, with the code of `exitCodeOf`. */
  run(args: readonly string[]): Promise<number>;
}

/** The command line makes no sense: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Failed, whatever the code of `error` means elsewhere: exit code 1. */
export class FailedError extends Error {
  override readonly name = 'FailedError';
  readonly error: MobulaError;

  constructor(error: MobulaError) {
    super(error.message);
    this.error = error;
  }
}

/** Whether `error` blames the command line: it is ours, or one of `util.parseArgs`. */
export function isUsageError(error: unknown): error is Error {
  if (error instanceof UsageError) return true;
  return error instanceof Error && String(Reflect.get(error, 'code')).startsWith('ERR_PARSE_ARGS_');
}

/** 1: failed; 2: the command line makes no sense; 3: no cluster was reached. */
export function exitCodeOf(error: unknown): 1 | 2 | 3 {
  if (isUsageError(error)) return 2;
  return isMobulaError(error) && error.code === 'ERR_MOBULA_CONNECTION' ? 3 : 1;
}

/** What is printed of `error`: one line where its cause is known. */
export function tell(error: unknown): unknown {
  if (isUsageError(error)) return error.message;
  const told = error instanceof FailedError ? error.error : error;
  return isMobulaError(told) ? `${told.code}: ${told.message}` : told;
}
