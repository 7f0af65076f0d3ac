import { outcome } from '../core/port/wire.ts';
import { answer } from './wire/entries.ts';

/** What comes of an answer, for the core. */
export const outcomes: Readonly<Record<number, number>> = {
  [answer.values]: outcome.ok,
  [answer.thrown]: outcome.error,
  [answer.thrownAgain]: outcome.retry,
  [answer.failed]: outcome.failed,
  [answer.lost]: outcome.lost,
  [answer.unbegun]: outcome.unbegun,
};
