/** Batches that are committed, the newest so many bytes of them: what subscribers that come back have missed. */
export class Ring {
  readonly #batches: { readonly firstSeq: number; readonly bytes: Buffer }[] = [];
  readonly #mostBytes: number;
  #start = 0;
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  push(firstSeq: number, bytes: Buffer): void {
    this.#batches.push({ firstSeq, bytes });
    this.#bytes += bytes.length;
    while (this.#bytes > this.#mostBytes && this.#start < this.#batches.length - 1) {
      this.#bytes -= this.#batches[this.#start]?.bytes.length ?? 0;
      this.#start += 1;
    }
    if (this.#start < 1024 || 2 * this.#start < this.#batches.length) return;
    this.#batches.splice(0, this.#start);
    this.#start = 0;
  }

  /** The batches with something after `seq`; null: some are not here any more. */
  after(seq: number, committed: number): readonly { readonly firstSeq: number; readonly bytes: Buffer }[] | null {
    if (seq >= committed) return seq === committed ? [] : null;
    const batches = this.#batches;
    if ((batches[this.#start]?.firstSeq ?? Number.POSITIVE_INFINITY) > seq + 1) return null;
    let low = this.#start;
    let high = batches.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((batches[middle]?.firstSeq ?? 0) <= seq + 1) low = middle + 1;
      else high = middle;
    }
    return batches.slice(low - 1);
  }
}
