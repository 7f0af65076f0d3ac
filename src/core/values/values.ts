import type { Addon } from '../../native/addon.ts';
import { nativeError } from '../../native/native-error.ts';
import {
  type BinaryPart,
  type DecodeHooks,
  decode,
  type EncodeHooks,
  encode,
  encodeArguments,
  Refusal,
  type ShapeTable,
} from '../../store/codec/index.ts';
import type { StoredBuffer } from '../port/parts.ts';
import type { Port } from '../port/port.ts';
import { LINKED } from '../port/wire.ts';
import { ObjectRef, releasedAdvice } from '../refs/object-ref.ts';
import { LIGHT_BYTES, type Weight, weight } from '../refs/weight.ts';
import { withRoom } from './collector.ts';
import { Streams } from './streams.ts';
import { Views } from './views.ts';

/** ArrayBuffers of at least this many bytes live in the object store; smaller ones travel with the value. */
export const OUT_OF_BAND_BYTES: number = 64 * 1024;

/** Encoded values of more bytes than this live in the object store. */
export const STREAM_BYTES: number = 16 * 1024;

/** The core keeps encoded values of up to so many bytes in the place that each object has anyway. */
const FREE_BYTES = 22;

/** What the codec needs of the runtime to rebuild refs and handles. */
export interface Reviver {
  /** A ref for an object that the core has lent to this thread. */
  ref(index: number): ObjectRef<unknown>;
  /** The object of a ref that is to travel; negative for one that was released, or is another runtime's. */
  indexOf(ref: ObjectRef<unknown>): number;
  /** An actor handle, remote function or actor class. */
  revive(kind: number, payload: unknown): unknown;
  /** The object that stands in values for a thing that threads share; it travels like a ref. */
  share(thing: object): number;
  /** The thing that such an object, which the core has lent to this thread, stands for. */
  shared(index: number): object;
  /** Whether values stay in this process: then they may name what its threads share. */
  readonly isAlone: boolean;
  /** Whether a ref may be in a value that leaves the process. */
  mayLeave(ref: ObjectRef<unknown>): boolean;
  /** The object store is about to be asked for room: what was let go of until now is given back first. */
  giveBack(): void;
}

/** What is known of a writable ArrayBuffer in the store. */
interface Allocated {
  readonly view: number;
  readonly byteLength: number;
}

const none: readonly never[] = [];

/** Encodes values into a port's commands and decodes them from its inbox. */
export class Values {
  readonly #port: Port;
  readonly #addon: Addon;
  readonly #giveBack: () => void;
  readonly #encode: EncodeHooks;
  readonly #decode: DecodeHooks;
  readonly #views: Views;
  readonly #streams: Streams;
  /** Buffers of the value being decoded. */
  #buffers: readonly number[] = none;
  /** Writable ArrayBuffers in the store. */
  readonly #allocated = new WeakMap<ArrayBufferLike, Allocated>();
  /** Where the value decoded last ended in the inbox. */
  end = 0;

  constructor(port: Port, reviver: Reviver) {
    this.#port = port;
    this.#addon = port.addon;
    this.#giveBack = () => reviver.giveBack();
    this.#views = new Views(port);
    this.#streams = new Streams(port);
    const shapes: ShapeTable = {
      // A shape has a number in this process only.
      intern: (keys) => (reviver.isAlone ? this.#addon.internShape(port.id, keys) : -1),
      keys: (id) => this.#addon.shapeKeys(port.id, id),
    };
    this.#encode = {
      shapes,
      outOfBandBytes: OUT_OF_BAND_BYTES,
      livesInStore: (buffer) => this.#allocated.has(buffer),
      isRef: (value) => ObjectRef.is(value),
      refIndex: (value) => {
        const index = reviver.indexOf(value as ObjectRef<unknown>);
        if (index < 0) throw new Refusal('was released', releasedAdvice);
        if (!(reviver.isAlone || reviver.mayLeave(value as ObjectRef<unknown>))) throw staysOnNode('is a ref');
        return index;
      },
      share: (thing) => {
        if (!reviver.isAlone) throw staysOnNode(`is ${thing.constructor.name}, which threads of one process share`);
        return reviver.share(thing);
      },
    };
    this.#decode = {
      shapes,
      ref: (index) => reviver.ref(index),
      revive: (kind, payload) => reviver.revive(kind, payload),
      shared: (index) => reviver.shared(index),
      buffer: (ordinal) => this.#views.of(this.#buffers[ordinal] as number),
    };
  }

  /** A writable ArrayBuffer inside the store. It is sealed, and emptied, when a value that holds it is written. */
  allocate(byteLength: number): ArrayBuffer {
    this.#giveBack();
    const { id: port } = this.#port;
    this.#port.flush();
    const [array, view] = this.#inStore(() => this.#addon.createBuffer(port, byteLength), true);
    this.#allocated.set(array, { view, byteLength });
    return array;
  }

  /**
   * Writes a value with its length word and lists at the end of the open record. `blocks`: where the object store is full of
   * garbage, it blocks for a while until there is room. `always`: a small value is written also if there is none.
   */
  write(value: unknown, path: string, blocks = true, always = false): void {
    const mark = this.#begin();
    encode(this.#port.writer, value, this.#encode, path);
    this.#finish(mark, blocks, always);
  }

  /** Writes the arguments of a call as `write` does; the array is mobula's own. */
  writeArguments(args: readonly unknown[], path: string): void {
    const mark = this.#begin();
    encodeArguments(this.#port.writer, args, this.#encode, path);
    this.#finish(mark, true);
  }

  /** Leaves room for a length word; gives its place. */
  #begin(): number {
    const writer = this.#port.writer;
    writer.ensure(4);
    const mark = writer.pos - writer.moved;
    writer.pos += 4;
    return mark;
  }

  #finish(mark: number, blocks: boolean, always = false): void {
    const { writer } = this.#port;
    const start = mark + writer.moved + 4;
    const isLong = writer.pos - start > STREAM_BYTES;
    if (writer.buffers.length === 0 && !isLong) {
      if (this.#port.isTight && !always && writer.pos - start > FREE_BYTES) this.#makeRoom(blocks);
      this.#port.finishValue(mark, none);
      return;
    }
    const { buffer, byteOffset } = writer.bytes;
    const parts = this.#port.takeParts();
    // The bytes of a long value are its first buffer, and nothing of them is left here.
    const stream = { buffer, byteOffset: byteOffset + start, byteLength: writer.pos - start };
    const stored = this.#store(isLong ? [stream, ...parts] : parts, blocks);
    if (isLong) writer.pos = start;
    this.#port.finishValue(mark, stored);
  }

  /** Throws what `write` would throw because of the value itself. The caller aborts the record. */
  check(value: unknown, path: string): void {
    encode(this.#port.writer, value, this.#encode, path);
  }

  /** Reads the value at `pos` of the inbox; `end` is where it ended. */
  read(pos: number): unknown {
    const word = this.#port.inboxView.getUint32(pos, true);
    const start = pos + 4;
    const end = start + (word & ~LINKED);
    if ((word & LINKED) !== 0) return this.readPart(pos, start, end);
    this.end = end;
    return decode(this.#port.inbox, this.#port.inboxView, start, end, this.#decode);
  }

  /** Reads part of the bytes of the value at `pos`, with the buffers of that value. If there are none, they are its first buffer. */
  readPart(pos: number, start: number, end: number): unknown {
    const outer = this.#buffers;
    const after = this.skip(pos);
    const buffers = this.#buffersOf(pos);
    try {
      if (start === end) {
        this.#buffers = buffers.slice(1);
        return this.#streams.read(buffers[0] as number, this.#firstLength(pos), (bytes, view, length) =>
          decode(bytes, view, 0, length, this.#decode),
        );
      }
      this.#buffers = buffers;
      return decode(this.#port.inbox, this.#port.inboxView, start, end, this.#decode);
    } finally {
      this.#buffers = outer;
      this.end = after;
    }
  }

  /** What the value at `pos` keeps. The top bit of its length word says that it has buffers or refs. */
  weight(pos: number): Weight {
    return this.#port.inboxView.getUint32(pos, true) > LIGHT_BYTES ? weight.heavy : weight.light;
  }

  /** Whether there are refs in the value at `pos`. */
  hasRefs(pos: number): boolean {
    const view = this.#port.inboxView;
    const word = view.getUint32(pos, true);
    return (word & LINKED) !== 0 && view.getUint32(pos + 4 + (word & ~LINKED), true) > 0;
  }

  /** The objects of the refs in the value at `pos`, which has some. */
  refsOf(pos: number): number[] {
    const view = this.#port.inboxView;
    const at = pos + 4 + (view.getUint32(pos, true) & ~LINKED);
    return Array.from({ length: view.getUint32(at, true) }, (_, i) => view.getUint32(at + 4 + i * 4, true));
  }

  #buffersOf(pos: number): readonly number[] {
    const view = this.#port.inboxView;
    const word = view.getUint32(pos, true);
    if ((word & LINKED) === 0) return none;
    const refs = pos + 4 + (word & ~LINKED);
    let at = refs + 4 + view.getUint32(refs, true) * 4;
    const count = view.getUint32(at, true);
    at += 4;
    const buffers: number[] = [];
    for (let i = 0; i < count; i++) {
      buffers.push(view.getUint32(at, true));
      at += 12;
    }
    return buffers;
  }

  /** Bytes of the first buffer of the value at `pos`, which has some. */
  #firstLength(pos: number): number {
    const view = this.#port.inboxView;
    const refs = pos + 4 + (view.getUint32(pos, true) & ~LINKED);
    return Number(view.getBigUint64(refs + 4 + view.getUint32(refs, true) * 4 + 8, true));
  }

  /** Where the value at `pos` ends. */
  skip(pos: number): number {
    const view = this.#port.inboxView;
    const word = view.getUint32(pos, true);
    const end = pos + 4 + (word & ~LINKED);
    if ((word & LINKED) === 0) return end;
    const at = end + 4 + view.getUint32(end, true) * 4;
    return at + 4 + view.getUint32(at, true) * 12;
  }

  /** Puts the out-of-band parts of a value into the store: all of them, or none. */
  #store(parts: readonly BinaryPart[], blocks: boolean): StoredBuffer[] {
    const stored: StoredBuffer[] = [];
    const { id: port } = this.#port;
    // What is given back by now makes room.
    this.#port.flush();
    try {
      for (const part of parts) {
        const allocated = this.#allocated.get(part.buffer);
        let id: number;
        // Of an array that was made shorter, or taken out of its buffer by `transfer`, what is left is copied.
        if (allocated?.byteLength === part.byteLength && part.byteLength === part.buffer.byteLength) {
          this.#allocated.delete(part.buffer);
          id = this.#inStore(() => this.#addon.sealBuffer(port, part.buffer as ArrayBuffer, allocated.view), false);
        } else {
          const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
          id = this.#inStore(() => this.#addon.putBuffer(port, bytes), blocks);
        }
        stored.push({ id, byteLength: part.byteLength });
      }
      return stored;
    } catch (error) {
      for (const { id } of stored) this.#addon.releaseBuffer(port, id);
      throw error;
    }
  }

  /** Stores bytes; gives the buffer, which a value that is written next takes over. */
  store(bytes: Uint8Array): number {
    this.#port.flush();
    return this.#inStore(() => this.#addon.putBuffer(this.#port.id, bytes), true);
  }

  /** Values in the core count against the object store's capacity, too. */
  #makeRoom(blocks: boolean): void {
    this.#port.flush();
    this.#inStore(() => this.#addon.makeSmallRoom(this.#port.id), blocks);
  }

  /** Runs a call of the addon that takes room in the store. */
  #inStore<T>(call: () => T, blocks: boolean): T {
    const attempt = (): T => {
      try {
        return call();
      } catch (error) {
        throw nativeError(error);
      }
    };
    return blocks ? withRoom(this.#addon, this.#port.id, attempt) : attempt();
  }
}

/** In a cluster, values name nothing of one node. */
function staysOnNode(what: string): Refusal {
  return new Refusal(
    `${what}, and values of a cluster's job cannot carry that between nodes yet`,
    'Pass a ref as an argument of its own, or the value itself.',
  );
}
