import { nativeError } from '../../native/native-error.ts';
import type { Port } from '../port/port.ts';

/** Memory for streams of up to this many bytes is kept. */
const KEPT_BYTES = 256 * 1024;

type Read<T> = (bytes: Uint8Array, view: DataView, length: number) => T;

interface Memory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/**
 * Reads encoded values that lie in the object store. They are copied: decoding copies what it makes anyway, so nothing needs
 * a mapping, of which a process has only some 65 000.
 */
export class Streams {
  readonly #port: Port;
  /** Not there while it is in use: decoding one value may read another. */
  #idle: Memory | undefined;

  constructor(port: Port) {
    this.#port = port;
  }

  /** Gives `read` the bytes of a buffer, which are good until it returns. */
  read<T>(buffer: number, length: number, read: Read<T>): T {
    const idle = this.#idle;
    this.#idle = undefined;
    const memory = idle !== undefined && idle.bytes.length >= length ? idle : memoryOf(length);
    try {
      try {
        this.#port.addon.readBuffer(this.#port.id, buffer, memory.bytes.subarray(0, length));
      } catch (error) {
        throw nativeError(error);
      }
      return read(memory.bytes, memory.view, length);
    } finally {
      if (memory.bytes.length <= KEPT_BYTES) this.#idle = memory;
    }
  }
}

function memoryOf(length: number): Memory {
  const bytes = new Uint8Array(Math.max(length, Math.min(KEPT_BYTES, 2 ** Math.ceil(Math.log2(length)))));
  return { bytes, view: new DataView(bytes.buffer) };
}
