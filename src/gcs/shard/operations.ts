/**
 * Operations in a WRITE, one behind the other: `u8 operation, u8 table, u16 key length, u32 payload length, f64 expected`, then
 * key and payload. All numbers are little-endian.
 */

export const Op = {
  /** Writes the payload, whatever is there. */
  put: 1,
  /** Writes it if the key has no record. */
  add: 2,
  /** Writes it if the record's seq is the one expected; 0: if there is none. */
  cas: 3,
  delete: 4,
  /** Deletes if the record's seq is the one expected. */
  casDelete: 5,
  /** Operations on rows: `row-operations.ts`. */
  putRow: 16,
  rerun: 17,
  setExecutor: 18,
  finish: 19,
  cancel: 20,
  addPlace: 21,
  deletePlace: 22,
  hold: 23,
  unhold: 24,
  /** Sweeps: `sweeps.ts`. */
  dropNode: 32,
  dropJob: 33,
  /** Ends the session of the client that the key names: nothing of it is carried out any more. */
  expireSession: 34,
} as const;

export const OP_HEADER = 16;
/** The most one value may have: a frame of 1 MiB carries it with its key. */
export const LARGEST_VALUE: number = (1 << 20) - 4096;

/** The most that one WRITE, or the keys of one read, may have: what a frame has room for. */
export const MOST_BYTES: number = (1 << 20) - 64;

const none: Buffer = Buffer.alloc(0);

/** Writes operations for one WRITE. */
export class OpWriter {
  #buffer: Buffer = Buffer.allocUnsafeSlow(1 << 16);
  #end = 0;
  /** How many operations there are. */
  count = 0;

  add(op: number, table: number, key: Buffer, payload: Buffer = none, expected: number = 0): this {
    const size = OP_HEADER + key.length + payload.length;
    while (this.#end + size > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(2 * this.#buffer.length);
      this.#buffer.copy(larger, 0, 0, this.#end);
      this.#buffer = larger;
    }
    const buffer = this.#buffer;
    let at = this.#end;
    buffer[at] = op;
    buffer[at + 1] = table;
    buffer.writeUInt16LE(key.length, at + 2);
    buffer.writeUInt32LE(payload.length, at + 4);
    buffer.writeDoubleLE(expected, at + 8);
    at += OP_HEADER;
    key.copy(buffer, at);
    payload.copy(buffer, at + key.length);
    this.#end += size;
    this.count += 1;
    return this;
  }

  /** The operations so far; the writer is empty afterwards. */
  take(): Buffer {
    const bytes = Buffer.from(this.#buffer.subarray(0, this.#end));
    this.#end = 0;
    this.count = 0;
    return bytes;
  }
}
