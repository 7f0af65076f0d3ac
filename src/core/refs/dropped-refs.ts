import { queueMicrotask } from '../../common/timers.ts';

/** References that nobody in the thread holds any more: they are given back together, in the next microtask. */
export class DroppedRefs {
  readonly #giveBack: (objects: readonly number[]) => void;
  #objects: number[] = [];

  /** `giveBack` gives one reference to each of the objects back to the core. */
  constructor(giveBack: (objects: readonly number[]) => void) {
    this.#giveBack = giveBack;
  }

  /** One reference to the object is to be given back. */
  add(object: number): void {
    if (this.#objects.push(object) === 1) queueMicrotask(this.flush);
  }

  /** Gives back now what there is. */
  readonly flush = (): void => {
    if (this.#objects.length === 0) return;
    const objects = this.#objects;
    this.#objects = [];
    this.#giveBack(objects);
  };
}
