import { withoutPage } from '../common/error-page.ts';
import { ObjectStoreFullError } from '../common/errors.ts';
import { outcome } from '../core/port/wire.ts';
import { encodeFailure, failure } from '../core/values/failures.ts';
import type { Commands } from './commands.ts';
import type { ImportedTemplates } from './imported.ts';
import type { Peer } from './peer.ts';
import { type AnswerHead, answer, readAnswerHead } from './wire/entries.ts';
import type { EntryReader } from './wire/entry.ts';

/** An answer whose values are not read yet. */
interface Answer extends AnswerHead {
  readonly entry: EntryReader;
  readonly peer: Peer;
}

/** What comes of an answer, for the core. */
const outcomes: Readonly<Record<number, number>> = {
  [answer.values]: outcome.ok,
  [answer.thrown]: outcome.error,
  [answer.thrownAgain]: outcome.retry,
  [answer.failed]: outcome.failed,
  [answer.lost]: outcome.lost,
  [answer.unbegun]: outcome.unbegun,
};

/** What other nodes say became of this node's tasks: first it is asked whether an answer counts, then its values are read. */
export class Answers {
  readonly #commands: Commands;
  readonly #imported: ImportedTemplates;
  #latest: Answer | undefined;

  constructor(commands: Commands, imported: ImportedTemplates) {
    this.#commands = commands;
    this.#imported = imported;
  }

  /** An answer comes. */
  read(peer: Peer, entry: EntryReader): AnswerHead {
    const head = readAnswerHead(entry);
    this.#latest = { ...head, entry, peer };
    return head;
  }

  /** It counts: the attempt ends with it. `over`: the task's job is over, and what the values name may be gone. */
  end(index: number, fn: string, over: boolean): void {
    const { what, values, entry, peer, attempt } = this.#latest as Answer;
    if (over) {
      this.#commands.fail(index, outcome.failed, encodeFailure(failure.cancelled, attempt, fn, ''));
      return;
    }
    try {
      this.#commands.result(index, outcomes[what] as number, values, entry, this.#imported.inward(peer));
    } catch (error) {
      if (error instanceof ObjectStoreFullError) {
        const details = withoutPage(error.message);
        this.#commands.fail(index, outcome.failed, encodeFailure(failure.noRoom, attempt, fn, details));
        return;
      }
      // The attempt is out no more, so nothing else would end it. The session ends with the error.
      const details = `the answer of node ${peer.node} cannot be read`;
      this.#commands.fail(index, outcome.lost, encodeFailure(failure.nodeDied, attempt, fn, details));
      throw error;
    }
  }
}
