import { withoutPage } from '../common/error-page.ts';
import { ObjectStoreFullError } from '../common/errors.ts';
import { outcome } from '../core/port/wire.ts';
import { encodeFailure, failure } from '../core/values/failures.ts';
import type { Commands } from './commands.ts';
import { type Placing, readNamed, readNode } from './data/named.ts';
import type { DataPort, Failed } from './data/ports.ts';
import { Results } from './data/results.ts';
import type { ImportedTemplates } from './imported.ts';
import type { Peer } from './peer.ts';
import type { Places } from './places.ts';
import type { Submitter } from './submitter/state.ts';
import { isOut, lateMaker } from './submitter/step.ts';
import { namedIn, type Unbuffered } from './values.ts';
import { type AnswerHead, answer, entry as kinds, readAnswerHead, writeAttempt } from './wire/entries.ts';
import type { EntryReader } from './wire/entry.ts';

/** An answer whose values are not read yet. */
interface Answer {
  readonly peer: Peer;
  readonly head: AnswerHead;
  readonly entry: EntryReader;
  /** Whether what it names stays at its node. */
  readonly stays?: boolean;
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
  [answer.argumentsLost]: outcome.unbegun,
};

/** What answers need of the agent. */
export interface AnswersPorts {
  readonly commands: Commands;
  readonly imported: ImportedTemplates;
  readonly data: DataPort;
  readonly places: Pick<Places, 'add' | 'bring' | 'doubt' | 'drop'>;
  /** What is out. */
  readonly submitter: Submitter;
  /** An answer is complete: `end` is called if it counts. */
  complete(peer: Peer, head: AnswerHead): void;
  /** A peer broke the protocol. */
  misbehaved(peer: Peer, error: unknown): void;
}

const nothing = (): void => undefined;

/**
 * What other nodes say became of this node's tasks. Large values stay there, if the task may be repeated should they be lost. Else they
 * are fetched first, and the attempt is out until then. An answer is complete when those of the tasks are that made its arguments: so
 * these have values, if it has.
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
    } else if (named) this.#named(peer, head, entry);
    else {
      peer.answered();
      this.#complete({ peer, head, entry });
      if (this.#late.size > 0) this.#next(head.index);
    }
  }

  /** With large values. True if it is complete. */
  #named(peer: Peer, head: AnswerHead, entry: EntryReader): boolean {
    const { submitter } = this.#ports;
    if (!isOut(submitter, peer.node, head)) {
      writeAttempt(peer.out, kinds.fetched, head);
      return true;
    }
    if (head.what !== answer.values || submitter.flights.get(head.index)?.mayRepeat !== true) {
      this.#fetch(peer, head, entry);
      return false;
    }
    this.#complete({ peer, head, entry, stays: true });
    if (this.#late.size > 0) this.#next(head.index);
    return true;
  }

  #complete(of: Answer): void {
    this.#latest = of;
    this.#ports.complete(of.peer, of.head);
  }

  #fetch(peer: Peer, head: AnswerHead, entry: EntryReader): void {
    const kept = entry.keep();
    const named = namedIn(kept, head.values).filter((each) => each !== undefined);
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
    const { peer, head, results } = of;
    try {
      this.#complete(of);
      this.#next(head.index);
    } catch (error) {
      this.#ports.misbehaved(peer, error);
    }
    results?.drop();
    writeAttempt(peer.out, kinds.fetched, head);
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
    if (named) return this.#named(peer, head, entry);
    counted();
    this.#complete(of);
    return true;
  }

  /** The arguments that are named could not be had from the nodes where they stay. */
  #argumentsLost(count: number, entry: EntryReader): void {
    for (let i = 0; i < count; i++) {
      const node = readNode(entry);
      this.#ports.places.doubt(node, readNamed(entry));
    }
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

  /** It counts: the attempt ends with it. `over`: the task's job is over, and what the values name may be gone. */
  end(index: number, fn: string, over: boolean): void {
    const { commands } = this.#ports;
    const of = this.#latest as Answer;
    const { peer, head, stays = false, failed } = of;
    const fail = (kind: number, reason: number, details: string): void =>
      commands.fail(index, kind, encodeFailure(reason, head.attempt, fn, details));
    if (over) {
      if (stays) writeAttempt(peer.out, kinds.fetched, head);
      fail(outcome.failed, failure.cancelled, '');
      return;
    }
    if (failed !== undefined) {
      if (failed.kind === 'no-room') fail(outcome.failed, failure.noRoom, failed.text);
      else fail(outcome.lost, failure.lost, failed.text);
      return;
    }
    try {
      if (stays) this.#stay(index, of);
      else this.#pass(index, of);
    } catch (error) {
      if (error instanceof ObjectStoreFullError) {
        if (stays) writeAttempt(peer.out, kinds.fetched, head);
        fail(outcome.failed, failure.noRoom, withoutPage(error.message));
        return;
      }
      // The attempt is out no more, so nothing else would end it. The session ends with the error.
      fail(outcome.lost, failure.nodeDied, `the answer of node ${peer.node} cannot be read`);
      throw error;
    }
  }

  #pass(index: number, { peer, head, entry, results }: Answer): void {
    const { commands, imported } = this.#ports;
    const isLost = head.what === answer.argumentsLost;
    if (isLost) this.#argumentsLost(head.values, entry);
    const inward = imported.inward(peer);
    const count = isLost ? 0 : head.values;
    commands.result(index, outcomes[head.what] as number, count, entry, inward, results?.buffersOf);
  }

  /** What the answer names stays at its node. */
  #stay(index: number, { peer, head, entry }: Answer): void {
    const { commands, imported, places } = this.#ports;
    const added: number[] = [];
    const add = (value: Unbuffered): Placing => {
      const placing = places.add(peer, value);
      added.push(placing.place);
      return placing;
    };
    try {
      commands.stays(index, head.values, entry, imported.inward(peer), add);
    } catch (error) {
      // The core has heard of none.
      for (const place of added) places.drop(place);
      throw error;
    }
    writeAttempt(peer.out, kinds.stays, head);
    if (peer.leaves) for (const place of added) places.bring(place);
  }
}
