/** Bytes of a ring; a power of two, so that positions may wrap. The kernel gives the pages when they are first written. */
const CAPACITY = 128 * 1024;
/** Words before the data. */
const [READ, WRITE, LOCK, CLOSED] = [0, 1, 2, 3] as const;
const HEAD_BYTES = 16;
/** A record: its length with two flags, then task (index, generation), actor (object, generation). */
const RECORD_BYTES = 20;
const [IS_STDERR, IS_TEXT] = [0x80000000, 0x40000000];
const LENGTH_MASK = 0x3fffffff;
/** Most bytes of one record's data. */
const PIECE_BYTES = 32 * 1024;
const always = (): boolean => true;
const NONE = 0xffffffff;

/** The stream that something was written to. */
export type StreamName = 'stdout' | 'stderr';

/** Two numbers by which the core knows a task or an object. */
export interface Place {
  readonly index: number;
  readonly generation: number;
}

/** One write of a task, or a part of a long one. */
export interface Piece {
  readonly stream: StreamName;
  /** As it was written: text, or bytes. */
  readonly data: string | Buffer;
  readonly task: Place | undefined;
  readonly actor: Place | undefined;
}

/**
 * What a worker thread has written to stdout and stderr and its driver has not printed yet, in memory that both share:
 * whatever becomes of the thread, the driver can read it, also while the process exits.
 *
 * One thread writes. Whoever holds the lock reads: the driver, or the writer itself when the driver is busy.
 * WRITE is stored after the bytes it covers, READ after they were copied out.
 */
export class OutputRing {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #bytes: Buffer;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(HEAD_BYTES + CAPACITY)) {
    this.memory = memory;
    this.#words = new Int32Array(memory, 0, HEAD_BYTES / 4);
    this.#bytes = Buffer.from(memory, HEAD_BYTES, CAPACITY);
  }

  get isEmpty(): boolean {
    return Atomics.load(this.#words, READ) === Atomics.load(this.#words, WRITE);
  }

  /**
   * Writes a piece of at most `PIECE_BYTES`, if there is room. Gives whether there was, and whether the ring was empty; `closed`: it
   * is read no more.
   */
  tryWrite(
    stream: StreamName,
    text: boolean,
    data: Uint8Array,
    task?: Place,
    actor?: Place,
  ): 'full' | 'first' | 'more' | 'closed' {
    if (Atomics.load(this.#words, CLOSED) !== 0) return 'closed';
    const read = Atomics.load(this.#words, READ);
    const start = Atomics.load(this.#words, WRITE);
    const size = RECORD_BYTES + align(data.length);
    if (CAPACITY - ((start - read) >>> 0) < size) return 'full';
    const flags = (stream === 'stderr' ? IS_STDERR : 0) | (text ? IS_TEXT : 0);
    const head = [(data.length | flags) >>> 0, task?.index, task?.generation, actor?.index, actor?.generation];
    for (const [i, word] of head.entries()) this.#bytes.writeUInt32LE(word ?? NONE, at(start + i * 4));
    const from = at(start + RECORD_BYTES);
    const first = Math.min(data.length, CAPACITY - from);
    this.#bytes.set(data.subarray(0, first), from);
    this.#bytes.set(data.subarray(first), 0);
    Atomics.store(this.#words, WRITE, (start + size) | 0);
    // Loaded after WRITE was stored: either the reader sees this piece, or it is seen here that all before was read.
    return Atomics.load(this.#words, READ) === start ? 'first' : 'more';
  }

  /** Blocks until something was read since `tryWrite` found it full, for `milliseconds` at most; false if nothing was. */
  waitForRoom(milliseconds: number): boolean {
    const read = Atomics.load(this.#words, READ);
    if (((Atomics.load(this.#words, WRITE) - read) >>> 0) + RECORD_BYTES + PIECE_BYTES <= CAPACITY) return true;
    return Atomics.wait(this.#words, READ, read, milliseconds) !== 'timed-out';
  }

  /**
   * Reads all that is there, up to a piece that `may` leaves there. False, and nothing is read, while the other side reads.
   */
  read(take: (piece: Piece) => void, may: (piece: Piece) => boolean = always): boolean {
    if (Atomics.compareExchange(this.#words, LOCK, 0, 1) !== 0) return false;
    try {
      for (let read = Atomics.load(this.#words, READ); read !== Atomics.load(this.#words, WRITE); ) {
        const [piece, next] = this.#piece(read);
        if (!may(piece)) break;
        // Given back first: a reader that throws has had it.
        Atomics.store(this.#words, READ, next);
        Atomics.notify(this.#words, READ);
        take(piece);
        read = next;
      }
    } finally {
      Atomics.store(this.#words, LOCK, 0);
    }
    return true;
  }

  /** Nobody will read it any more: what is written is lost, and holds nobody up. */
  close(): void {
    Atomics.store(this.#words, CLOSED, 1);
    Atomics.notify(this.#words, READ);
  }

  /** The thread that wrote has ended: if it did so while it read, nobody reads any more. */
  abandon(): void {
    Atomics.store(this.#words, LOCK, 0);
  }

  #piece(read: number): [piece: Piece, next: number] {
    const word = (i: number): number => this.#bytes.readUInt32LE(at(read + i * 4));
    const head = word(0);
    const length = head & LENGTH_MASK;
    const from = at(read + RECORD_BYTES);
    const first = Math.min(length, CAPACITY - from);
    const data = Buffer.alloc(length);
    this.#bytes.copy(data, 0, from, from + first);
    this.#bytes.copy(data, first, 0, length - first);
    const place = (i: number): Place | undefined =>
      word(i) === NONE ? undefined : { index: word(i), generation: word(i + 1) };
    const piece: Piece = {
      stream: (head & IS_STDERR) === 0 ? 'stdout' : 'stderr',
      data: (head & IS_TEXT) === 0 ? data : data.toString(),
      task: place(1),
      actor: place(3),
    };
    return [piece, (read + RECORD_BYTES + align(length)) | 0];
  }
}

function at(position: number): number {
  return position & (CAPACITY - 1);
}

function align(length: number): number {
  return (length + 3) & ~3;
}

/** Cuts what was written into pieces of at most `most` bytes, which fit into a ring; characters of a text stay whole. */
export function* pieces(data: Uint8Array, text: boolean, most: number = PIECE_BYTES): Generator<Uint8Array> {
  for (let start = 0; start < data.length; ) {
    let end = Math.min(start + most, data.length);
    if (text && end < data.length) while (((data[end] as number) & 0xc0) === 0x80) end--;
    yield data.subarray(start, end);
    start = end;
  }
}
