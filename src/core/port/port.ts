import { queueMicrotask, setImmediate } from '../../common/timers.ts';
import type { Addon } from '../../native/addon.ts';
import { nativeError } from '../../native/native-error.ts';
import { type BinaryPart, Writer } from '../../store/codec/index.ts';
import { type OpenRecord, stepAside, stepBack } from './aside.ts';
import { allocate, COMMAND_BYTES, checkRecord, grown, INBOX_BYTES, isWide, Peaks } from './memory.ts';
import { endValue, type StoredBuffer, writeList, writeText, writeWord } from './parts.ts';
import { CLAIMS, CONTROL_WORDS, MAX_INBOX, op, type PortKind, PUBLISHED, TIGHT } from './wire.ts';

/** Flush at the latest after this many bytes, so that workers start while the thread still submits. */
const FLUSH_BYTES = 16 * 1024;
const MAX_RUN = 256;
/** Rounds of news in one turn of the event loop. */
const ROUNDS = 4;

/** What the thread does with `end` bytes of news in the inbox; it looks for more before it sleeps if it `expects` them. */
export interface NewsReader {
  read(end: number): void;
  readonly expects: boolean;
}

/**
 * A thread's end of the core: the memory it shares with it, and when it speaks with it.
 *
 * Commands are collected and carried out together: at the latest in the next microtask, and earlier the more there
 * are (after the first, then after 2, 4, 8 … more), so that a lone task starts at once and many cost one call.
 */
export class Port {
  readonly id: number;
  readonly addon: Addon;
  readonly writer: Writer;
  inbox: Uint8Array;
  inboxView: DataView;
  readonly control: Int32Array;
  /** Where the record being written begins; all before it is complete. */
  #recordStart = 0;
  #scheduled = false;
  #untilFlush = 1;
  #run = 1;
  #detached = false;
  readonly #peaks = new Peaks();
  /** Whether the core refuses this thread. */
  #refused = false;
  /** Hears that the core refuses this thread, and why: nothing comes of what it waits for. */
  onRefused: ((error: unknown) => void) | undefined;
  /** Whether a record is open. */
  #open = false;
  /** The open records around the one that is written aside, outermost first. */
  readonly #outer: OpenRecord[] = [];
  /** Counts turns of microtasks in which this thread has written commands. */
  turn = 0;

  constructor(addon: Addon, kind: PortKind, serves: number, onBell: () => void) {
    this.addon = addon;
    this.control = new Int32Array(new SharedArrayBuffer(CONTROL_WORDS * 4));
    this.inbox = new Uint8Array(new SharedArrayBuffer(INBOX_BYTES));
    this.inboxView = new DataView(this.inbox.buffer);
    this.writer = new Writer(new Uint8Array(new SharedArrayBuffer(COMMAND_BYTES)), (min) => this.#grow(min));
    this.id = addon.attach(kind, serves, onBell);
    this.#setRegions();
  }

  #setRegions(): void {
    this.addon.setRegions(this.id, this.control, this.writer.bytes, this.inbox);
  }

  /**
   * Begins a record of at least `bytes` bytes. If one is open already, because a getter or proxy in a value being written
   * calls mobula, the new one is written aside and carried out at once.
   */
  begin(bytes: number): Writer {
    const writer = this.writer;
    if (this.#open) this.#stepAside();
    this.#open = true;
    writer.ensure(bytes);
    return writer;
  }

  /** The open record is over. */
  #close(): void {
    this.#open = false;
    const outer = this.#outer.at(-1);
    if (outer === undefined) return;
    this.flush();
    this.#outer.pop();
    this.#recordStart = stepBack(this.writer, outer);
    this.#open = true;
  }

  #stepAside(): void {
    // What was complete before comes first.
    this.flush();
    this.#outer.push(stepAside(this.writer, this.#recordStart));
    this.#recordStart = 0;
  }

  /** Ends a record: it is carried out soon. `urgent`: even if this thread is busy, as others may wait for what it does. */
  commit(urgent = true): void {
    const end = this.writer.pos;
    this.#recordStart = end;
    if (this.#outer.length > 0) {
      this.#close();
      return;
    }
    this.#open = false;
    if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(this.#flushLater);
    }
    if (--this.#untilFlush <= 0 || end > FLUSH_BYTES) {
      this.#run = Math.min(this.#run * 2, MAX_RUN);
      this.flush();
    } else if (urgent) this.#declare(end);
  }

  /** All records up to `end` are complete: the watchdog carries them out if user code keeps this thread busy. */
  #declare(end: number): void {
    if (this.#isTogether) return;
    if (Atomics.exchange(this.control, PUBLISHED, end) < 0 && !this.#detached) this.addon.watch(this.id);
  }

  /** Ends a record that the next step of this thread carries out; it is published, but not flushed. */
  publish(): void {
    const end = this.writer.pos;
    this.#recordStart = end;
    if (this.#outer.length > 0) {
      this.#close();
      return;
    }
    this.#open = false;
    if (end > FLUSH_BYTES) this.flush();
    else this.#declare(end);
  }

  readonly #flushLater = (): void => {
    this.#scheduled = false;
    this.#run = 1;
    this.turn++;
    this.#told(() => this.flush());
  };

  /** Runs `call`, whose errors nobody waits for. That the core refuses this thread is told once, to `onRefused`. */
  #told(call: () => void): void {
    try {
      call();
    } catch (error) {
      if (this.onRefused === undefined || !this.#refused) throw error;
    }
  }

  /** Asks the core for something. Once it refuses this thread, by a mistake of mobula's, it is not asked again. */
  #ask<T>(call: () => T): T {
    try {
      return call();
    } catch (error) {
      this.#refused = true;
      this.#detached = true;
      this.onRefused?.(nativeError(error));
      throw error;
    }
  }

  /** Drops a record that could not be finished. */
  abort(): void {
    const writer = this.writer;
    writer.pos = this.#recordStart;
    writer.refs.length = 0;
    writer.buffers.length = 0;
    this.#close();
  }

  /** Whether the object store was full when the core was last here: small values ask for room then. */
  get isTight(): boolean {
    return this.control[TIGHT] !== 0;
  }

  /** Whether a record is being written. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** Has all complete records carried out now. */
  flush(): void {
    // `together` holds back the thread's own stream, never what is written aside.
    if (this.#isTogether && this.#outer.length === 0) return;
    if (this.#outer.length === 0) this.#untilFlush = this.#run;
    const end = this.#recordStart;
    if (end === 0 || this.#detached) return;
    if (this.#open) {
      // The open record stays where it is.
      if (this.#outer.length === 0) this.#ask(() => this.addon.advance(this.id, end));
      return;
    }
    this.#recordStart = 0;
    this.writer.pos = 0;
    this.#peaks.commands(end);
    this.#carryOut(end);
  }

  #carryOut(end: number): void {
    this.#ask(() => {
      if (this.#outer.length > 0) this.addon.execute(this.id, this.writer.bytes.subarray(0, end));
      else this.addon.flush(this.id, end);
    });
  }

  /**
   * Carries out commands and reads one inbox of news; false when there is no other and the bell will ring. `take`: the news
   * may be tasks.
   */
  step(reader: NewsReader, take: boolean): boolean {
    if (this.#detached) return false;
    for (;;) {
      const end = this.#recordStart;
      this.#recordStart = 0;
      this.writer.pos = 0;
      this.#untilFlush = this.#run;
      this.#peaks.commands(end);
      const filled = this.#ask(() => this.addon.step(this.id, end, take, take));
      if (filled > 0) {
        const news = filled > MAX_INBOX ? filled - MAX_INBOX : filled;
        this.#peaks.news(news);
        reader.read(news);
        return news === filled || reader.expects || this.#shrink();
      }
      if (filled === 0) return this.#shrink();
      this.#growInbox(-filled);
    }
  }

  /** Where in the inbox the outcome of an object stands that is there; -1 if it is not. Good until the next call. */
  look(object: number): number {
    return this.#detached ? -1 : this.addon.look(this.id, object);
  }

  /** Reads news until there is none, leaving the loop to others after a few rounds. `read`: called each time some were read later. */
  drain(reader: NewsReader, read?: () => void): void {
    let more = true;
    this.#told(() => {
      for (let round = 0; more && round < ROUNDS; round++) more = this.step(reader, false);
    });
    if (this.#refused || !more) return;
    setImmediate(() => {
      this.drain(reader, read);
      read?.();
    });
  }

  /** Tells V8 how much the thread's views keep; gives whether young garbage is to be collected. */
  settleViews(): boolean {
    return !this.#detached && this.addon.settleViews(this.id);
  }

  /** Whether nobody has taken task `slot` of the batch away; it is this thread's from then on. */
  claim(slot: number): boolean {
    return Atomics.exchange(this.control, CLAIMS + slot, 0) === 1;
  }

  /** Whether the thread's records are held back. */
  get #isTogether(): boolean {
    return this.#untilFlush === Number.POSITIVE_INFINITY;
  }

  /** Has the records that `body` writes carried out in one go. */
  together(body: () => void): void {
    // What was written before must not come after what is written aside meanwhile.
    this.flush();
    this.#untilFlush = Number.POSITIVE_INFINITY;
    try {
      body();
    } finally {
      this.#untilFlush = 0;
      this.flush();
    }
  }

  /** Gives a claimed task back: another thread, or a later step of this one, may begin it. */
  unclaim(slot: number): void {
    Atomics.store(this.control, CLAIMS + slot, 1);
  }

  /** Leaves the core. What the thread still holds is given back when it is buried. */
  detach(): void {
    if (this.#detached) return;
    this.flush();
    this.#detached = true;
    this.addon.detach(this.id);
  }

  /** See `endValue`. */
  finishValue(mark: number, buffers: readonly StoredBuffer[]): void {
    endValue(this.writer, mark, buffers);
  }

  /** Writes a list of indices. */
  list(list: readonly number[]): void {
    writeList(this.writer, list);
  }

  word(value: number): void {
    writeWord(this.writer, value);
  }

  /** Writes text in UTF-8, after its length in bytes. */
  text(text: string): void {
    writeText(this.writer, text);
  }

  subscribe(object: number, token: number, value: boolean): void {
    const writer = this.begin(10);
    writer.byte(op.subscribe);
    writer.byte(value ? 1 : 0);
    writer.view.setUint32(writer.pos, object, true);
    writer.view.setUint32(writer.pos + 4, token, true);
    writer.pos += 8;
    this.commit(false);
  }

  /** Gives handles back. */
  release(objects: readonly number[]): void {
    this.begin(1).byte(op.release);
    this.list(objects);
    this.commit(false);
  }

  /** The parts of a value that stay out of band, handed over to whoever stores them. */
  takeParts(): BinaryPart[] {
    const parts = this.writer.buffers;
    if (parts.length > 0) this.writer.buffers = [];
    return parts;
  }

  /**
   * Makes room for `min` more bytes: complete records are carried out, unless they are held back, and the open one moves to
   * the front.
   */
  #grow(min: number): void {
    const writer = this.writer;
    const start = this.#recordStart;
    const old = writer.bytes;
    checkRecord(writer.pos - start + min);
    if (start > 0 && !(this.#isTogether && this.#outer.length === 0)) {
      const open = writer.pos - start;
      this.#recordStart = 0;
      this.#carryOut(start);
      old.copyWithin(0, start, start + open);
      writer.pos = open;
    }
    const used = writer.pos;
    if (used + min <= writer.limit) return;
    const bytes = allocate(grown(old.length, used + min));
    bytes.set(old.subarray(0, used));
    this.#writeTo(bytes);
    if (this.#outer.length === 0) this.#setRegions();
  }

  #writeTo(bytes: Uint8Array): void {
    const { writer } = this;
    writer.bytes = bytes;
    writer.view = new DataView(bytes.buffer);
    writer.limit = bytes.length;
  }

  #makeInbox(size: number): void {
    this.inbox = new Uint8Array(new SharedArrayBuffer(size));
    this.inboxView = new DataView(this.inbox.buffer);
  }

  #growInbox(min: number): void {
    this.#makeInbox(grown(this.inbox.length, min));
    this.#setRegions();
  }

  /** Gives back memory that a peak took, as the thread goes to sleep: there are no news, and no command is open. */
  #shrink(): false {
    const most = this.#peaks.asleep();
    if (most === undefined || this.#open || this.#recordStart > 0) return false;
    const wideWriter = isWide(this.writer.bytes.length, COMMAND_BYTES, most.commands);
    const wideInbox = isWide(this.inbox.length, INBOX_BYTES, most.news);
    if (!(wideWriter || wideInbox)) return false;
    if (wideWriter) this.#writeTo(allocate(COMMAND_BYTES));
    if (wideInbox) this.#makeInbox(INBOX_BYTES);
    this.#setRegions();
    return false;
  }
}
