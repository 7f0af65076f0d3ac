/** Methods every Buffer has that `@types/node` leaves out: they skip the look-up of an encoding by name. */
interface RawBuffer extends Buffer {
  latin1Write(text: string, offset: number, length: number): number;
  ucs2Write(text: string, offset: number, length: number): number;
  latin1Slice(start: number, end: number): string;
  ucs2Slice(start: number, end: number): string;
}

/** Gives Buffers over bytes. Values come from and go to the same memory mostly, so it remembers the last one. */
export class BufferCache {
  #bytes: Uint8Array | undefined = undefined;
  #buffer: RawBuffer | undefined = undefined;

  /** A Buffer over the same memory as `bytes`. */
  over(bytes: Uint8Array): RawBuffer {
    if (this.#bytes === bytes && this.#buffer !== undefined) return this.#buffer;
    this.#bytes = bytes;
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) as unknown as RawBuffer;
    return this.#buffer;
  }
}
