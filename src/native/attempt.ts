/** Where a binary may come from: the environment, a build in this clone, the platform's package. */
export type Source = 'environment' | 'clone' | 'package';

/** A place where a binary could be, and why it was not taken from there. */
export interface Attempt {
  readonly source: Source;
  readonly place: string;
  readonly failure: 'absent' | 'refused' | 'version';
  /** What Node said, or the version found. */
  readonly details: unknown;
}
