import { ObjectRef, RefBlock, type RefOwner } from './object-ref.ts';

/** Refs made in one turn of the event loop that are watched one by one; later ones share blocks. */
const SINGLE = 64;
/** Refs in a block. */
const BLOCK = 32;

/** Makes a thread's refs, and gives back what they hold when they are collected. */
export class RefKeeper {
  readonly #owner: RefOwner;
  readonly #collected: FinalizationRegistry<number[]>;
  #block: RefBlock = new RefBlock([]);
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
    if (++this.#made > SINGLE && this.#block.held.length < BLOCK) {
      this.#block.held.push(index);
    } else {
      const held = [index];
      this.#block = new RefBlock(held);
      this.#collected.register(this.#block, held);
    }
    return new ObjectRef<unknown>(this.#owner, this.#block, index);
  }
}
