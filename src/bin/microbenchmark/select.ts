import { UsageError } from '../command.ts';

/**
 * The items that a filter chooses: a regular expression, in any case, that is found in the name; or a whole name, as it
 * is printed.
 *
 * @throws {UsageError} when the filter is no regular expression or chooses nothing.
 */
export function select<T extends { readonly name: string }>(all: readonly T[], filter: string | undefined): T[] {
  if (filter === undefined) return [...all];
  const exact = all.filter(({ name }) => name === filter);
  if (exact.length > 0) return exact;
  const pattern = compile(filter);
  const chosen = all.filter(({ name }) => pattern.test(name));
  if (chosen.length > 0) return chosen;
  const names = all.map(({ name }) => `  ${name}`).join('\n');
  throw new UsageError(`--filter ${JSON.stringify(filter)} matches no case. The cases are:\n${names}`);
}

/**
 * The expression that a filter is.
 *
 * @throws {UsageError} when it is none.
 */
export function compile(filter: string): RegExp {
  const problem = `--filter ${JSON.stringify(filter)} is not a regular expression`;
  if (filter === '') throw new UsageError(`${problem}: it is empty. Leave it out to run every case.`);
  try {
    return new RegExp(filter, 'i');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${problem}: ${reason}. Write \\( for a bracket that stands for itself.`);
  }
}
