import { setImmediate } from '../../common/timers.ts';
import { ObjectRef, RefBlock, type RefOwner } from './object-ref.ts';

/** Refs made in one turn of the event loop that are watched one by one; later ones share blocks. */
const SINGLE = 4;
/** Refs in a block. */
const BLOCK = 32;

/** Makes a thread's refs, and gives back what they hold when they are collected. */
export class RefKeeper {
  readonly #owner: RefOwner;
  readonly #collected: FinalizationRegistry<number[]>;
  /** The block that the burst of this turn fills. */
  #block: RefBlock | undefined;
  #turn = -1;
  #made = 0;

  constructor(owner: RefOwner) {
    this.#owner = owner;
    this.#collected = new FinalizationRegistry((held) => {
      for (const index of held) if (index >= 0) owner.release(index);
    });
  }

  /** A ref that holds one reference to the object at `index`. `turn` counts turns of the event loop. */
  make(index: number, turn: number): ObjectRef<unknown> {
    if (turn !== this.#turn) {
      this.#turn = turn;
      this.#made = 0;
    }
    if (++this.#made <= SINGLE) return ObjectRef.of(this.#owner, this.#watched(index), index);
    let block = this.#block;
    if (block === undefined || block.held.length === BLOCK) {
      block = this.#watched(index);
      // Let go of it after the turn: a block that the keeper held would never be collected.
      if (this.#block === undefined) setImmediate(this.#endBurst).unref();
      this.#block = block;
    } else {
      block.held.push(index);
    }
    return ObjectRef.of(this.#owner, block, index);
  }

  readonly #endBurst = (): void => {
    this.#block = undefined;
  };

  #watched(index: number): RefBlock {
    const held = [index];
    const block = new RefBlock(held);
    this.#collected.register(block, held);
    return block;
  }
}
