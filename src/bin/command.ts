/** One of the things `mobula` can be told to do. */
export interface Command {
  /** The line in the list of commands. */
  readonly summary: string;
  /** What `--help` prints, from "usage:" on. */
  readonly usage: string;
  /** Does it, and gives the exit code: 0, or 1 for failed. */
  run(args: readonly string[]): Promise<number>;
}

/** The command line makes no sense: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Whether `error` blames the command line: it is ours, or one of `util.parseArgs`. */
export function isUsageError(error: unknown): error is Error {
  if (error instanceof UsageError) return true;
  return error instanceof Error && String(Reflect.get(error, 'code')).startsWith('ERR_PARSE_ARGS_');
}
