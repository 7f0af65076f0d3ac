import type { Peer } from '../peer.ts';
import { malformed } from '../wire/entry.ts';
import type { Copies, Copy } from './copies.ts';
import type { Named } from './named.ts';
import type { Failed } from './ports.ts';

/** The copies that one task takes as arguments. */
export class TaskCopies {
  readonly #copies: Copies;
  readonly #ready: (failed?: Failed) => void;
  readonly #all: ReadonlyMap<number, Copy>;
  #missing: number;
  #told = false;

  /** `ready` is called later, once, if not all are here: when they are, or when one cannot be. */
  constructor(copies: Copies, peer: Peer, named: readonly Named[], ready: (failed?: Failed) => void) {
    this.#copies = copies;
    this.#ready = ready;
    // Two arguments may be the same.
    const byNumber = new Map(named.map((each) => [each.number, each]));
    for (const { number, lengths } of named) {
      if (byNumber.get(number)?.lengths.join() !== lengths.join())
        throw malformed(`buffers ${number} have two lengths`);
    }
    this.#all = new Map([...byNumber].map(([number, each]) => [number, copies.use(peer, each, this.#came)]));
    this.#missing = [...this.#all.values()].filter(({ buffers }) => buffers === undefined).length;
  }

  readonly #came = (failed?: Failed): void => {
    this.#missing -= 1;
    if (this.#told || (this.#missing > 0 && failed === undefined)) return;
    this.#told = true;
    this.#ready(failed);
  };

  get areHere(): boolean {
    return this.#missing === 0;
  }

  /** The buffers of a number that was named, with one more reference to each. */
  readonly buffersOf = (number: number): readonly number[] => {
    const copy = this.#all.get(number);
    if (copy === undefined) throw new Error(`the buffers ${number} are not here`);
    return this.#copies.share(copy);
  };

  /** The task needs them no more. */
  letGo(): void {
    for (const copy of this.#all.values()) this.#copies.letGo(copy, this.#came);
  }
}
