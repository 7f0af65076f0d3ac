import { MobulaError } from '../../common/errors.ts';

/** The longest entry: the largest value that a task can have, and its numbers. */
export const ENTRY_BYTES: number = 2 ** 31 - 1;
/** Bytes that the values of an entry may have: the rest is for what is said of them. */
export const VALUES_BYTES: number = ENTRY_BYTES - 2 ** 26;
/** Bytes of an entry before its fields: its length, and its kind. */
export const HEAD_BYTES = 5;
const FIRST_BYTES = 4096;
/** So few bytes are copied sooner one by one than by a call. */
const SHORT = 64;

/** Entries of one stream, written one behind the other: `u32` length of what follows the length, `u8` kind, fields. */
export class EntryWriter {
  #bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  #view: DataView = new DataView(this.#bytes.buffer);
  #at = 0;
  #start = 0;

  /** Bytes of complete entries. */
  get length(): number {
    return this.#start;
  }

  begin(kind: number): void {
    this.#at = this.#start;
    this.#ensure(HEAD_BYTES);
    this.#at += 4;
    this.#bytes[this.#at++] = kind;
  }

  /** The open entry is of another kind. */
  become(kind: number): void {
    this.#bytes[this.#start + HEAD_BYTES - 1] = kind;
  }

  /** @throws {MobulaError} where the entry is longer than one may be; it is not written. */
  end(): void {
    const length = this.#at - this.#start - 4;
    if (length > ENTRY_BYTES) {
      throw new MobulaError(
        'ERR_MOBULA_FRAME',
        `What goes to another node has ${length} bytes, more than ${ENTRY_BYTES}.`,
      );
    }
    this.#view.setUint32(this.#start, length, true);
    this.#start = this.#at;
  }

  u8(value: number): void {
    this.#ensure(1);
    this.#bytes[this.#at++] = value;
  }

  u32(value: number): void {
    this.#ensure(4);
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  /** A whole number that is exact in JavaScript. */
  u64(value: number): void {
    this.#ensure(8);
    this.#view.setBigUint64(this.#at, BigInt(value), true);
    this.#at += 8;
  }

  /** Bytes `from` up to `end` of an array behind their number. */
  part(bytes: Uint8Array, from: number, end: number): void {
    const length = end - from;
    this.u32(length);
    this.#ensure(length);
    const [to, at] = [this.#bytes, this.#at];
    if (length > SHORT) to.set(bytes.subarray(from, end), at);
    else for (let i = 0; i < length; i++) to[at + i] = bytes[from + i] as number;
    this.#at += length;
  }

  /** Bytes of a length that the reader knows. */
  raw(bytes: Uint8Array): void {
    this.#ensure(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Bytes behind their length. */
  blob(bytes: Uint8Array): void {
    this.u32(bytes.length);
    this.raw(bytes);
  }

  text(text: string): void {
    this.blob(Buffer.from(text));
  }

  /** Room for `length` bytes that the caller fills at once. */
  room(length: number): Uint8Array {
    this.#ensure(length);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Complete entries of another writer. */
  append(entries: Uint8Array): void {
    this.#at = this.#start;
    this.raw(entries);
    this.#start = this.#at;
  }

  /** The complete entries, which are the caller's from now on. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#start);
    this.#start = 0;
    if (this.#bytes.length > FIRST_BYTES * 256) {
      this.#bytes = new Uint8Array(FIRST_BYTES);
      this.#view = new DataView(this.#bytes.buffer);
    }
    return taken;
  }

  #ensure(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + more));
    bytes.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** Reads the fields of one entry after another. */
export class EntryReader {
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#bytes.buffer);
  #at = 0;
  #end = 0;

  /** The entries of these bytes are read next. */
  open(bytes: Uint8Array): DataView {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return this.#view;
  }

  /** The fields of the next entry lie there. */
  enter(from: number, end: number): void {
    this.#at = from;
    this.#end = end;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** @throws {MobulaError} where it is not exact in JavaScript */
  u64(): number {
    const value = Number(this.#view.getBigUint64(this.#take(8), true));
    if (!Number.isSafeInteger(value)) throw malformed(`a number of ${value}`);
    return value;
  }

  /** A view of so many bytes. */
  raw(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  blob(): Uint8Array {
    return this.raw(this.u32());
  }

  /** The next byte, which is not taken. */
  peek(): number {
    const byte = this.u8();
    this.#at -= 1;
    return byte;
  }

  /** Where the next field begins. */
  get at(): number {
    return this.#at;
  }

  /** A reader of what lies between `from` and the next field, for as long as the entry is being read. */
  fork(from: number): EntryReader {
    const fork = new EntryReader();
    fork.open(this.#bytes);
    fork.enter(from, this.#at);
    return fork;
  }

  /** A reader of the fields that are left, which stay valid. */
  keep(): EntryReader {
    const kept = new EntryReader();
    const bytes = copyOf(this.#bytes.subarray(this.#at, this.#end));
    kept.open(bytes);
    kept.enter(0, bytes.length);
    return kept;
  }

  /** Copies so many bytes. */
  copy(length: number, to: Uint8Array, at: number): void {
    const from = this.#take(length);
    const bytes = this.#bytes;
    if (length > SHORT) to.set(bytes.subarray(from, from + length), at);
    else for (let i = 0; i < length; i++) to[at + i] = bytes[from + i] as number;
  }

  text(): string {
    return Buffer.from(this.blob()).toString();
  }

  /** @throws {MobulaError} where the entry has more bytes than fields. */
  end(): void {
    if (this.#at !== this.#end) throw malformed(`${this.#end - this.#at} bytes too many`);
  }

  #take(length: number): number {
    const at = this.#at;
    if (length > this.#end - at) throw malformed(`${length} bytes where ${this.#end - at} are left`);
    this.#at = at + length;
    return at;
  }
}

/** The bytes themselves: a `slice` of a Buffer is a view. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

export function malformed(what: string): MobulaError {
  return new MobulaError('ERR_MOBULA_FRAME', `An entry from another node is malformed: ${what}.`);
}

/** Puts the entries of one stream together again, whatever pieces it comes in. */
export class EntryStream {
  readonly #read: (kind: number, entry: EntryReader) => void;
  readonly #reader = new EntryReader();
  /** Pieces of the entry that is not complete, and their bytes. */
  #pieces: Uint8Array[] = [];
  #held = 0;
  /** Bytes that the entry needs, length included; 4 while that is not known. */
  #needs = 4;

  constructor(read: (kind: number, entry: EntryReader) => void) {
    this.#read = read;
  }

  /** The next piece, valid until the call returns. Throws what `read` throws, and for an entry that is malformed. */
  feed(piece: Uint8Array): void {
    let bytes = piece;
    if (this.#held > 0) {
      this.#pieces.push(copyOf(piece));
      this.#held += piece.length;
      if (this.#held < this.#needs) return;
      bytes = Buffer.concat(this.#pieces, this.#held);
      this.#pieces = [];
      this.#held = 0;
    }
    const rest = this.#entries(bytes);
    if (rest === bytes.length) return;
    this.#pieces.push(copyOf(bytes.subarray(rest)));
    this.#held = bytes.length - rest;
  }

  /** Reads what is complete; gives where the rest begins. */
  #entries(bytes: Uint8Array): number {
    const reader = this.#reader;
    const view = reader.open(bytes);
    let at = 0;
    this.#needs = 4;
    while (bytes.length - at >= 4) {
      const length = view.getUint32(at, true);
      if (length === 0 || length > ENTRY_BYTES) throw malformed(`a length of ${length} bytes`);
      const end = at + 4 + length;
      this.#needs = 4 + length;
      if (end > bytes.length) return at;
      reader.enter(at + HEAD_BYTES, end);
      this.#read(bytes[at + 4] as number, reader);
      at = end;
      this.#needs = 4;
    }
    return at;
  }
}
