import { type Place, Slabs } from './slabs.ts';

const FIRST = 1024;

/** Of a key; never negative. */
function hashOf(bytes: Buffer, start: number, length: number): number {
  let hash = length;
  let i = start;
  for (const end = start + length - 3; i < end; i += 4) {
    const word =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24);
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; i < start + length; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) & 0x7fffffff;
}

/**
 * Records of one table: bytes by bytes, each with the seq of its last change. A record has a slot, whose number stays while the
 * record is there; an open-addressing index finds the slot of a key. Nothing here is an object of its own.
 */
export class Records {
  readonly slabs: Slabs = new Slabs();
  /** By slot: where key and value are, one behind the other; -1: the slot is free. */
  #places: Float64Array = new Float64Array(FIRST).fill(-1);
  #keyLengths: Uint16Array = new Uint16Array(FIRST);
  #valueLengths: Uint32Array = new Uint32Array(FIRST);
  #seqs: Float64Array = new Float64Array(FIRST);
  #hashes: Int32Array = new Int32Array(FIRST);
  #free: number[] = [];
  #slots = 0;
  #size = 0;
  /** Slots plus 1, at or behind the place that the hash says; 0: none. Twice as long as there are slots. */
  #index: Int32Array = new Int32Array(2 * FIRST);
  /** Changes with each change of the records; the same records at the same seqs have the same. */
  digest = 0;

  get size(): number {
    return this.#size;
  }

  /** Slots below this number may have records. */
  get slots(): number {
    return this.#slots;
  }

  /** The slot of a key; -1: there is none. */
  find(key: Buffer, start: number, length: number): number {
    const hash = hashOf(key, start, length);
    const mask = this.#index.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const slot = (this.#index[at] as number) - 1;
      if (slot < 0) return -1;
      if (this.#hashes[slot] === hash && this.#keyLengths[slot] === length && this.#same(slot, key, start, length))
        return slot;
    }
  }

  has(slot: number): boolean {
    return (this.#places[slot] as number) >= 0;
  }

  seq(slot: number): number {
    return this.#seqs[slot] as number;
  }

  keyLength(slot: number): number {
    return this.#keyLengths[slot] as number;
  }

  valueLength(slot: number): number {
    return this.#valueLengths[slot] as number;
  }

  /** The buffer in which key and value stand, one behind the other, from `offset` on. */
  buffer(slot: number): Buffer {
    return this.slabs.buffer(this.#places[slot] as Place);
  }

  offset(slot: number): number {
    return this.slabs.offset(this.#places[slot] as Place);
  }

  /** The value, in the table's memory: it holds until the next change. */
  value(slot: number): Buffer {
    const start = this.offset(slot) + this.keyLength(slot);
    return this.buffer(slot).subarray(start, start + this.valueLength(slot));
  }

  key(slot: number): Buffer {
    return this.buffer(slot).subarray(this.offset(slot), this.offset(slot) + this.keyLength(slot));
  }

  /** Writes a record, whose key and value stand one behind the other in `bytes`. `slot`: what `find` gave. */
  put(slot: number, bytes: Buffer, start: number, keyLength: number, valueLength: number, seq: number): void {
    const at = slot >= 0 ? slot : this.#add(bytes, start, keyLength);
    const size = keyLength + valueLength;
    const place = this.#places[at] as Place;
    const old = keyLength + (this.#valueLengths[at] as number);
    if (place < 0) this.#places[at] = this.slabs.take(size);
    else {
      this.digest ^= mix(this.#hashes[at] as number, this.#seqs[at] as number);
      if (!this.slabs.same(old, size)) {
        this.slabs.give(place, old);
        this.#places[at] = this.slabs.take(size);
      }
    }
    bytes.copy(this.buffer(at), this.offset(at), start, start + size);
    this.#valueLengths[at] = valueLength;
    this.#seqs[at] = seq;
    this.digest ^= mix(this.#hashes[at] as number, seq);
  }

  delete(slot: number): void {
    this.digest ^= mix(this.#hashes[slot] as number, this.#seqs[slot] as number);
    this.#unindex(slot);
    this.slabs.give(
      this.#places[slot] as Place,
      (this.#keyLengths[slot] as number) + (this.#valueLengths[slot] as number),
    );
    this.#places[slot] = -1;
    this.#free.push(slot);
    this.#size -= 1;
  }

  #same(slot: number, key: Buffer, start: number, length: number): boolean {
    const mine = this.buffer(slot);
    const offset = this.offset(slot);
    for (let i = 0; i < length; i++) if (mine[offset + i] !== key[start + i]) return false;
    return true;
  }

  #add(key: Buffer, start: number, length: number): number {
    const slot = this.#free.pop() ?? this.#slots++;
    if (slot === this.#places.length) this.#grow();
    this.#keyLengths[slot] = length;
    this.#valueLengths[slot] = 0;
    this.#hashes[slot] = hashOf(key, start, length);
    this.#places[slot] = -1;
    this.#enter(slot);
    this.#size += 1;
    return slot;
  }

  #enter(slot: number): void {
    const mask = this.#index.length - 1;
    let at = (this.#hashes[slot] as number) & mask;
    while (this.#index[at] !== 0) at = (at + 1) & mask;
    this.#index[at] = slot + 1;
  }

  /** Takes the slot out of the index, and moves up what stood behind it because of it. */
  #unindex(slot: number): void {
    const index = this.#index;
    const mask = index.length - 1;
    let hole = (this.#hashes[slot] as number) & mask;
    while (index[hole] !== slot + 1) hole = (hole + 1) & mask;
    for (let at = (hole + 1) & mask; index[at] !== 0; at = (at + 1) & mask) {
      const home = (this.#hashes[(index[at] as number) - 1] as number) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      index[hole] = index[at] as number;
      hole = at;
    }
    index[hole] = 0;
  }

  #grow(): void {
    const length = 2 * this.#places.length;
    const places = new Float64Array(length).fill(-1);
    places.set(this.#places);
    this.#places = places;
    this.#keyLengths = longer(new Uint16Array(length), this.#keyLengths);
    this.#valueLengths = longer(new Uint32Array(length), this.#valueLengths);
    this.#seqs = longer(new Float64Array(length), this.#seqs);
    this.#hashes = longer(new Int32Array(length), this.#hashes);
    this.#index = new Int32Array(2 * length);
    for (let slot = 0; slot < this.#slots; slot++) if (this.has(slot)) this.#enter(slot);
  }
}

function longer<Numbers extends Uint16Array | Uint32Array | Float64Array | Int32Array>(
  to: Numbers,
  from: Numbers,
): Numbers {
  to.set(from);
  return to;
}

function mix(hash: number, seq: number): number {
  const low = Math.imul(hash ^ ((seq % 2 ** 32) | 0), 0x9e3779b1);
  return Math.imul(low ^ (low >>> 15) ^ Math.floor(seq / 2 ** 32), 0x85ebca6b);
}
