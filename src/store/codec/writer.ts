/** A stretch of memory that travels beside the encoded bytes. */
export interface BinaryPart {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly byteLength: number;
}

const HIGH_BITS = 0x80000000;

/** Bytes being written. The owner supplies the memory and more of it on demand. */
export class Writer {
  bytes: Uint8Array;
  view: DataView;
  pos: number;
  /** The first position that may not be written. */
  limit: number;
  /**
   * Set by the owner; called when `pos + min > limit`. Must replace `bytes`, `view` and `limit` and keep what
   * was written. It may move the start of the value, and `pos` with it.
   */
  grow: (min: number) => void;
  /** Indices of the refs nested in the value, in order. The owner reads and clears them. */
  refs: number[] = [];
  /** Memory kept out of band, in order. The owner reads and clears them. */
  buffers: BinaryPart[] = [];
  /** By how much `grow` has moved written bytes so far: a mark taken as `pos - moved` stays valid. */
  moved = 0;

  constructor(bytes: Uint8Array, grow: (min: number) => void) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.pos = 0;
    this.limit = bytes.byteLength;
    this.grow = grow;
  }

  /** Makes room for `count` bytes. Every method below except `varint` expects room to be there. */
  ensure(count: number): void {
    if (this.pos + count > this.limit) this.#growBy(count);
  }

  #growBy(count: number): void {
    const before = this.pos;
    this.grow(count);
    this.moved += this.pos - before;
    if (this.pos + count > this.limit) throw new RangeError(`the owner's grow(${count}) made too little room`);
  }

  byte(value: number): void {
    this.bytes[this.pos++] = value;
  }

  float64(value: number): void {
    this.view.setFloat64(this.pos, value, true);
    this.pos += 8;
  }

  /** An integer of 0..2^53-1, seven bits a byte, low bits first. */
  varint(value: number): void {
    this.ensure(8);
    const bytes = this.bytes;
    let rest = value;
    while (rest >= HIGH_BITS) {
      bytes[this.pos++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      bytes[this.pos++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[this.pos++] = rest;
  }
}
