/** Bytes of records, in slabs: no object for a record, so that the collector has nothing to visit. */

const SLAB = 1 << 20;
/** Larger records have a buffer of their own. */
const LARGEST = 1 << 18;
const STEP = 32;

/** A place for a record: `slab × 2^20 + offset`. */
export type Place = number;

/** Sizes that are given out: multiples of 32 up to 1 KiB, then each a quarter larger than the one before. */
const sizes: readonly number[] = (() => {
  const made: number[] = [];
  for (let size = STEP; size <= 1024; size += STEP) made.push(size);
  for (let size = 1280; size < LARGEST; size = Math.ceil((size * 1.25) / STEP) * STEP) made.push(size);
  made.push(LARGEST);
  return made;
})();

function classOf(size: number): number {
  if (size <= 1024) return size === 0 ? 0 : (size - 1) >> 5;
  let at = 32;
  while ((sizes[at] ?? LARGEST) < size) at += 1;
  return at;
}

export class Slabs {
  /** The slabs, and the buffers of large records. */
  readonly buffers: Buffer[] = [];
  readonly #free: Place[][] = sizes.map(() => []);
  readonly #emptyBuffers: number[] = [];
  #slab = -1;
  #next = SLAB;
  #bytes = 0;

  /** What the records take, with what is lost to rounding. */
  get bytes(): number {
    return this.#bytes;
  }

  take(size: number): Place {
    if (size > LARGEST) return this.#takeBuffer(size);
    const kind = classOf(size);
    const rounded = sizes[kind] ?? LARGEST;
    this.#bytes += rounded;
    const free = this.#free[kind]?.pop();
    if (free !== undefined) return free;
    if (this.#next + rounded > SLAB) {
      this.#slab = this.#addBuffer(Buffer.allocUnsafeSlow(SLAB));
      this.#next = 0;
    }
    const place = this.#slab * SLAB + this.#next;
    this.#next += rounded;
    return place;
  }

  give(place: Place, size: number): void {
    if (size > LARGEST) {
      const at = Math.floor(place / SLAB);
      this.#bytes -= size;
      this.buffers[at] = Buffer.alloc(0);
      this.#emptyBuffers.push(at);
      return;
    }
    const kind = classOf(size);
    this.#bytes -= sizes[kind] ?? LARGEST;
    this.#free[kind]?.push(place);
  }

  /** Whether two records of these sizes take the same: one can be written over the other. */
  same(a: number, b: number): boolean {
    return a <= LARGEST && b <= LARGEST && classOf(a) === classOf(b);
  }

  buffer(place: Place): Buffer {
    return this.buffers[Math.floor(place / SLAB)] as Buffer;
  }

  offset(place: Place): number {
    return place % SLAB;
  }

  #takeBuffer(size: number): Place {
    this.#bytes += size;
    return this.#addBuffer(Buffer.allocUnsafeSlow(size)) * SLAB;
  }

  #addBuffer(buffer: Buffer): number {
    const at = this.#emptyBuffers.pop() ?? this.buffers.length;
    this.buffers[at] = buffer;
    return at;
  }
}
