import type { Peer } from '../peer.ts';
import { malformed } from '../wire/entry.ts';
import type { Copies, Copy } from './copies.ts';
import { keyOf, type Named, type Placed } from './named.ts';
import type { Failed } from './ports.ts';

/** The copies that one task takes as arguments. */
export class TaskCopies {
  readonly #copies: Copies;
  readonly #ready: (failed?: Failed, copy?: Copy) => void;
  readonly #all: ReadonlyMap<string | number, Copy>;
  #missing: number;
  #told = false;

  /**
   * `submitter`: the node whose task it is; `peerOf`: the node that serves buffers. `ready` is called later, once, if not all are here: when they are, or when one cannot be.
   */
  constructor(
    copies: Copies,
    submitter: Peer,
    peerOf: (named: Named | Placed) => Peer,
    named: readonly (Named | Placed)[],
    ready: (failed?: Failed, copy?: Copy) => void,
  ) {
    this.#copies = copies;
    this.#ready = ready;
    // Two arguments may be the same.
    const byKey = new Map(named.map((each) => [keyOf(each), each]));
    for (const each of named) {
      if (byKey.get(keyOf(each))?.lengths.join() !== each.lengths.join())
        throw malformed(`buffers ${each.number} have two lengths`);
    }
    const all = new Map<string | number, Copy>();
    this.#all = all;
    try {
      for (const [key, each] of byKey) all.set(key, copies.use(peerOf(each), submitter, each, this.#came));
    } catch (error) {
      this.letGo();
      throw error;
    }
    this.#missing = [...this.#all.values()].filter(({ buffers }) => buffers === undefined).length;
  }

  readonly #came = (failed?: Failed, copy?: Copy): void => {
    this.#missing -= 1;
    if (this.#told || (this.#missing > 0 && failed === undefined)) return;
    this.#told = true;
    this.#ready(failed, copy);
  };

  get areHere(): boolean {
    return this.#missing === 0;
  }

  /** Buffers that were named, with one more reference to each. */
  readonly buffersOf = (named: Named | Placed): readonly number[] => {
    const copy = this.#all.get(keyOf(named));
    if (copy === undefined) throw new Error(`the buffers ${named.number} are not here`);
    return this.#copies.share(copy);
  };

  /** The task needs them no more. */
  letGo(): void {
    for (const copy of this.#all.values()) this.#copies.letGo(copy, this.#came);
  }
}
