interface Entry {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

const before = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** What will happen, by time; what has the same time, in the order in which it was put. A binary heap. */
export class Queue {
  readonly #heap: Entry[] = [];
  #order = 0;

  put(at: number, run: () => void): void {
    const heap = this.#heap;
    const entry = { at, order: this.#order++, run };
    let i = heap.push(entry) - 1;
    while (i > 0) {
      const up = (i - 1) >> 1;
      const parent = heap[up] as Entry;
      if (before(parent, entry)) break;
      heap[i] = parent;
      i = up;
    }
    heap[i] = entry;
  }

  /** Takes the next. */
  take(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let i = 0;
    for (;;) {
      let down = 2 * i + 1;
      if (down >= heap.length) break;
      if (down + 1 < heap.length && before(heap[down + 1] as Entry, heap[down] as Entry)) down++;
      const child = heap[down] as Entry;
      if (before(last, child)) break;
      heap[i] = child;
      i = down;
    }
    heap[i] = last;
    return first;
  }
}
