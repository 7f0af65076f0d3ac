import { withoutPage } from '../common/error-page.ts';
import { ObjectStoreFullError } from '../common/errors.ts';
import { outcome } from '../core/port/wire.ts';
import { encodeFailure, failure } from '../core/values/failures.ts';
import type { Commands } from './commands.ts';
import type { DataPort, Failed } from './data/ports.ts';
import { Results } from './data/results.ts';
import type { ImportedTemplates } from './imported.ts';
import type { Peer } from './peer.ts';
import { voidFollowers } from './submitter/follow.ts';
import type { Submitter } from './submitter/state.ts';
import { isOut, lateMaker } from './submitter/step.ts';
import { namedIn } from './values.ts';
import { type AnswerHead, answer, readAnswerHead, writeFetched } from './wire/entries.ts';
import type { EntryReader } from './wire/entry.ts';

/** An answer whose values are not read yet. */
interface Answer {
  readonly peer: Peer;
  readonly head: AnswerHead;
  readonly entry: EntryReader;
  /** What was fetched for it, or why that cannot be. */
  readonly results?: Results;
  readonly failed?: Failed | undefined;
}

/** An answer that waits for those of the tasks that made its arguments: their values are being fetched. */
interface Late extends Answer {
  readonly named: boolean;
  readonly counted: () => void;
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

/** What answers need of the agent. */
export interface AnswersPorts {
  readonly commands: Commands;
  readonly imported: ImportedTemplates;
  readonly data: DataPort;
  /** What is out. */
  readonly submitter: Submitter;
  /** An answer is complete: `end` is called if it counts. */
  complete(peer: Peer, head: AnswerHead): void;
  /** A peer broke the protocol. */
  misbehaved(peer: Peer, error: unknown): void;
}

const nothing = (): void => undefined;

/**
 * What other nodes say became of this node's tasks. The values of some are fetched first; their attempts are out until then. An answer is
 * complete when those of the tasks are that made its arguments: so these have values, if it has.
 */
export class Answers {
  readonly #ports: AnswersPorts;
  /** Those whose values are being fetched. */
  readonly #fetching = new Map<Peer, Set<Results>>();
  /** Those that wait for an answer, by the place of the task that this is of. */
  readonly #late = new Map<number, Late[]>();
  #latest: Answer | undefined;

  constructor(ports: AnswersPorts) {
    this.#ports = ports;
  }

  /** An answer comes. `named`: with values that are to be fetched. */
  take(peer: Peer, entry: EntryReader, named: boolean): void {
    const head = readAnswerHead(entry);
    const late = lateMaker(this.#ports.submitter, peer.node, head);
    if (late !== undefined) {
      const counted = named ? nothing : peer.answeredLater();
      const behind = this.#late.get(late) ?? [];
      behind.push({ peer, head, entry: entry.keep(), named, counted });
      this.#late.set(late, behind);
    } else if (named) this.#fetch(peer, head, entry);
    else {
      peer.answered();
      this.#complete({ peer, head, entry });
      if (this.#late.size > 0) this.#next(head.index);
    }
  }

  #complete(of: Answer): void {
    this.#latest = of;
    this.#ports.complete(of.peer, of.head);
  }

  #fetch(peer: Peer, head: AnswerHead, entry: EntryReader): void {
    if (!isOut(this.#ports.submitter, peer.node, head)) {
      writeFetched(peer.out, head);
      return;
    }
    const kept = entry.keep();
    const named = namedIn(kept, head.values);
    const all = this.#fetching.get(peer) ?? new Set();
    this.#fetching.set(peer, all);
    const results = new Results(this.#ports.data, peer, named, (failed) => {
      all.delete(results);
      this.#fetched({ peer, head, entry: kept.fork(0), results, failed });
    });
    all.add(results);
    results.begin();
  }

  #fetched(of: Answer): void {
    const { peer, head, results, failed } = of;
    if (failed?.kind === 'lost') voidFollowers(this.#ports.submitter, head);
    try {
      this.#complete(of);
      this.#next(head.index);
    } catch (error) {
      this.#ports.misbehaved(peer, error);
    }
    results?.drop();
    writeFetched(peer.out, head);
  }

  /** The answer of this task is complete: so may be others. */
  #next(index: number): void {
    const ready = [index];
    for (const each of ready) {
      const all = this.#late.get(each);
      this.#late.delete(each);
      for (const late of all ?? []) if (this.#again(late)) ready.push(late.head.index);
    }
  }

  /** True if it is complete. */
  #again(of: Late): boolean {
    const { peer, head, entry, named, counted } = of;
    const late = lateMaker(this.#ports.submitter, peer.node, head);
    if (late !== undefined) {
      this.#late.set(late, [...(this.#late.get(late) ?? []), of]);
      return false;
    }
    if (named) {
      this.#fetch(peer, head, entry);
      return false;
    }
    counted();
    this.#complete(of);
    return true;
  }

  /** A peer is dead. */
  forgetPeer(peer: Peer): void {
    for (const results of this.#fetching.get(peer) ?? []) results.drop();
    this.#fetching.delete(peer);
    for (const [index, all] of this.#late) {
      const others = all.filter((late) => late.peer !== peer);
      if (others.length > 0) this.#late.set(index, others);
      else this.#late.delete(index);
    }
  }

  /**
   * It counts: the attempt ends with it. `over`: the task's job is over, and what the values name may be gone. `isVoid`: it was made of
   * what has no value.
   */
  end(index: number, fn: string, over: boolean, isVoid: boolean): void {
    const { commands, imported } = this.#ports;
    const { peer, head, entry, results, failed } = this.#latest as Answer;
    const fail = (kind: number, reason: number, details: string): void =>
      commands.fail(index, kind, encodeFailure(reason, head.attempt, fn, details));
    if (over) {
      fail(outcome.failed, failure.cancelled, '');
      return;
    }
    if (isVoid) {
      commands.giveBack(index, outcome.unbegun);
      return;
    }
    if (failed !== undefined) {
      if (failed.kind === 'no-room') fail(outcome.failed, failure.noRoom, failed.text);
      else fail(outcome.lost, failure.lost, failed.text);
      return;
    }
    try {
      const inward = imported.inward(peer);
      commands.result(index, outcomes[head.what] as number, head.values, entry, inward, results?.buffersOf);
    } catch (error) {
      if (error instanceof ObjectStoreFullError) {
        fail(outcome.failed, failure.noRoom, withoutPage(error.message));
        return;
      }
      // The attempt is out no more, so nothing else would end it. The session ends with the error.
      fail(outcome.lost, failure.nodeDied, `the answer of node ${peer.node} cannot be read`);
      throw error;
    }
  }
}
