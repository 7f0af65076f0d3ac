import type { Facts } from './facts.ts';

/** What was looked at, what was found, and what to do about it. */
export interface Check {
  readonly name: 'node' | 'binary' | 'spill' | 'runtime';
  /** `warning`: it works, but not as well as it could. */
  readonly status: 'ok' | 'warning' | 'failed';
  readonly message: string;
}

/** What `mobula doctor --json` prints. */
export interface Report extends Facts {
  /** The version of the package. */
  readonly mobula: string;
  readonly checks: readonly Check[];
  /** Whether no check failed. */
  readonly ok: boolean;
}
