import { clearTimeout, now, setImmediate, setTimeout } from '../../common/timers.ts';
import { ObjectRef, RefBlock, type RefOwner } from './object-ref.ts';

/** Refs made in one turn of the event loop that are watched one by one; later ones share blocks. */
const SINGLE = 4;
/** Refs in a block. */
const BLOCK = 32;
/** Blocks with unsettled objects that one look may come upon, unless it is a thorough one. */
const FEW = 4;
/** Milliseconds until the next thorough look, and how many times its own duration at least. */
const LEAST_MS = 20;
const RARE = 50;
/** Not an object: its ref was given back, or does not have to be weighed any more. */
const NOBODY = 0xffffffff;

/** What the core says of an object's value. */
const weight = { unknown: 0, light: 1, heavy: 2 } as const;

/** A block whose refs stay alive until it is known what their values keep. */
interface Unweighed {
  readonly block: RefBlock;
  readonly refs: (ObjectRef<unknown> | undefined)[];
}

/**
 * Makes a thread's refs, and gives back what they hold when they are collected.
 *
 * Refs that share a block are given back together, so one that lives keeps the values of all. That is only right for light
 * values: a block keeps its refs alive until the core knows the value of each, and the ref of a heavy one is then watched by
 * itself. A block of which all values are known and light keeps nothing alive.
 */
export class RefKeeper {
  readonly #owner: RefOwner;
  readonly #collected: FinalizationRegistry<number[]>;
  /** The block that the burst of this turn fills. */
  #filling: Unweighed | undefined;
  #turn = -1;
  #made = 0;
  /** Oldest first; those before `#first` are done. */
  #unweighed: Unweighed[] = [];
  #first = 0;
  readonly #weights = new Uint32Array(BLOCK);
  #timer: NodeJS.Timeout | undefined;

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
    if (++this.#made <= SINGLE) return this.single(index);
    let filling = this.#filling;
    if (filling === undefined || filling.refs.length === BLOCK) {
      // Let go of it after the turn: a block that the keeper held would never be collected.
      if (filling === undefined) setImmediate(this.#endBurst).unref();
      filling = { block: this.#watched(index), refs: [] };
      this.#filling = filling;
      this.#unweighed.push(filling);
    } else {
      filling.block.held.push(index);
    }
    const ref = ObjectRef.of(this.#owner, filling.block, index);
    filling.refs.push(ref);
    return ref;
  }

  /** The same, for a ref that is never in a block with others. */
  single(index: number): ObjectRef<unknown> {
    return ObjectRef.of(this.#owner, this.#watched(index), index);
  }

  readonly #endBurst = (): void => {
    this.#filling = undefined;
    this.weigh();
  };

  #watched(index: number): RefBlock {
    const held = [index];
    const block = new RefBlock(held);
    this.#collected.register(block, held);
    return block;
  }

  /**
   * Asks the core for the values of refs in blocks, oldest first. Called whenever there may be news of them; `thorough`: goes
   * through all blocks, also if the oldest have to wait.
   */
  weigh(thorough = false): void {
    const all = this.#unweighed;
    if (this.#first === all.length) return;
    const waiting: Unweighed[] = [];
    let at = this.#first;
    for (; at < all.length && (thorough || waiting.length < FEW); at++) {
      const each = all[at] as Unweighed;
      if (!this.#weighBlock(each) || each === this.#filling) waiting.push(each);
    }
    if (waiting.length > 0) this.#timer ??= setTimeout(this.#lookAtAll, LEAST_MS).unref();
    if (at === all.length) {
      this.#unweighed = waiting;
      this.#first = 0;
      return;
    }
    for (const each of waiting.reverse()) all[--at] = each;
    this.#first = at;
    if (at > 1024 && at * 2 > all.length) {
      this.#unweighed = all.slice(at);
      this.#first = 0;
    }
  }

  readonly #lookAtAll = (): void => {
    this.#timer = undefined;
    const began = now();
    this.weigh(true);
    const pause = Math.max(LEAST_MS, (now() - began) * RARE);
    if (this.#first < this.#unweighed.length) this.#timer ??= setTimeout(this.#lookAtAll, pause).unref();
  };

  /** Whether the values of all of the block's refs are known: those that are heavy are out of it then. */
  #weighBlock({ refs }: Unweighed): boolean {
    const weights = this.#weights.fill(NOBODY);
    for (const [i, ref] of refs.entries()) {
      const index = ref === undefined ? -1 : ObjectRef.index(ref);
      if (index >= 0) weights[i] = index;
    }
    this.#owner.weigh(weights);
    let all = true;
    for (const [i, ref] of refs.entries()) {
      if (ref === undefined) continue;
      if (weights[i] === weight.unknown) {
        all = false;
        continue;
      }
      if (weights[i] === weight.heavy) ObjectRef.moveTo(ref, this.#watched(ObjectRef.index(ref)));
      refs[i] = undefined;
    }
    return all;
  }

  /** The runtime is closed. */
  close(): void {
    clearTimeout(this.#timer);
    this.#unweighed = [];
    this.#first = 0;
    this.#filling = undefined;
  }
}
