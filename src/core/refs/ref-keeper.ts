import { clearTimeout, now, setImmediate, setTimeout } from '../../common/timers.ts';
import { ObjectRef, RefBlock, type RefOwner } from './object-ref.ts';
import { type Weight, weight } from './weight.ts';

/** Refs made in one turn of the event loop that are watched one by one; later ones share blocks. */
const SINGLE = 4;
/** Refs in a block, and objects that the core weighs in one call. */
const BLOCK = 32;
/** Groups with unsettled objects that one look may come upon, unless it is a thorough one. */
const FEW = 4;
/** Milliseconds until the next thorough look, and how many times its own duration at least. */
const LEAST_MS = 20;
const RARE = 50;
/** Not an object: its ref was given back, or does not have to be weighed any more. */
const NOBODY = 0xffffffff;

/** Refs of blocks that stay alive until it is known what their values keep. */
type Unweighed = (ObjectRef<unknown> | undefined)[];

/**
 * Makes a thread's refs, and gives back what they hold when they are collected.
 *
 * Refs that share a block are given back together, so one that lives keeps the values of all. That is only right for light
 * values: the ref of a heavy one is watched by itself as soon as its weight is known. A ref somebody waits for is weighed
 * when its value arrives. The keeper holds the others of a block, and asks the core for the weights of their values.
 */
export class RefKeeper {
  readonly #owner: RefOwner;
  readonly #collected: FinalizationRegistry<number[]>;
  /** The block that the burst of this turn fills, and the refs of the burst that share blocks. */
  #filling: RefBlock | undefined;
  #burst: ObjectRef<unknown>[] = [];
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
    let block = this.#filling;
    if (block === undefined || block.held.length === BLOCK) {
      // Let go of it after the turn: a block that the keeper held would never be collected.
      if (block === undefined) setImmediate(this.#endBurst).unref();
      block = this.#watched(index, true);
      this.#filling = block;
    } else {
      block.held.push(index);
    }
    const ref = ObjectRef.of(this.#owner, block, index);
    this.#burst.push(ref);
    return ref;
  }

  /** The same, for a ref that is never in a block with others. */
  single(index: number): ObjectRef<unknown> {
    return ObjectRef.of(this.#owner, this.#watched(index, false), index);
  }

  readonly #endBurst = (): void => {
    const burst = this.#burst;
    this.#filling = undefined;
    this.#burst = [];
    // In most bursts, all refs are waited for.
    const others = burst.filter((ref) => !ObjectRef.isExpected(ref));
    for (let at = 0; at < others.length; at += BLOCK) this.#unweighed.push(others.slice(at, at + BLOCK));
    this.weigh();
  };

  #watched(index: number, shared: boolean): RefBlock {
    const held = [index];
    const block = new RefBlock(held, shared);
    this.#collected.register(block, held);
    return block;
  }

  /** The value of a ref that was waited for has arrived, or (unknown) only the news that it is there. */
  weighed(ref: ObjectRef<unknown>, what: Weight): void {
    if (!ObjectRef.isShared(ref)) return;
    if (what === weight.heavy) this.#watchApart(ref);
    else if (what === weight.unknown) this.#later(ref);
  }

  #watchApart(ref: ObjectRef<unknown>): void {
    ObjectRef.moveTo(ref, this.#watched(ObjectRef.index(ref), false));
  }

  #later(ref: ObjectRef<unknown>): void {
    const last = this.#unweighed.at(-1);
    if (last === undefined || last.length === BLOCK) this.#unweighed.push([ref]);
    else last.push(ref);
  }

  /**
   * Asks the core for the values of refs in blocks, oldest first. Called whenever there may be news of them; `thorough`: goes
   * through all of them, also if the oldest have to wait.
   */
  weigh(thorough = false): void {
    const all = this.#unweighed;
    if (this.#first === all.length) return;
    const waiting: Unweighed[] = [];
    let at = this.#first;
    for (; at < all.length && (thorough || waiting.length < FEW); at++) {
      const each = all[at] as Unweighed;
      if (!this.#weighAll(each)) waiting.push(each);
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

  /** Whether the values of all of the refs are known: those that are heavy are watched by themselves then. */
  #weighAll(refs: Unweighed): boolean {
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
      if (weights[i] === weight.heavy && ObjectRef.isShared(ref)) this.#watchApart(ref);
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
    this.#burst = [];
  }
}
