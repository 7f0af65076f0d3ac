import type { StoredBuffer } from '../core/port/parts.ts';
import { LINKED, op } from '../core/port/wire.ts';
import type { ObjectRef } from '../core/refs/object-ref.ts';
import type { ThreadRuntime, Travel } from '../core/runtime.ts';
import { portableKind } from '../core/values/portable-kind.ts';
import { decodeBytes, encodeToBytes, portable } from '../store/codec/index.ts';
import { MOST_BUFFERS, type Named, type Placed, readNamed, readNode, writeNamed, writeNode } from './data/named.ts';
import type { NodeId } from './ports.ts';
import type { EntryReader, EntryWriter } from './wire/entry.ts';
import { malformed } from './wire/entry.ts';

/**
 * How a value lies in an entry: as the core has it; encoded anew since it names something of one node; without its buffers, which the
 * sender serves; or which another node serves, or the receiver, where the value stays.
 */
const form = { asItIs: 0, renamed: 1, named: 2, placed: 3 } as const;

/** Buffers of one value that have so many bytes are fetched; fewer go along. */
export const NAMED_BYTES: number = 32 * 1024;

/** Serves buffers; gives the number that names them. */
export type Serve = (buffers: readonly number[]) => number;

/** The buffers that were fetched, with a reference to each that goes to the core. */
export type BuffersOf = (named: Named | Placed) => readonly number[];

/** A value without its buffers. */
export interface Unbuffered {
  readonly bytes: Uint8Array;
  readonly named: Named;
}

/** Something that travels by kind and payload, on its way through an agent, which does not rebuild it. */
function passOn(kind: number, payload: unknown): object {
  return { [portable]: () => [kind, payload] as const };
}

/** This node's number for a template of a sender's, and the ref that keeps it here. */
export type Inward = (template: number) => { readonly number: number; readonly ref: ObjectRef<unknown> };

/** The templates that were named in the values decoded since it was emptied. */
const met: number[] = [];

/** What travels beside values stays as it is: an agent rebuilds nothing. */
export const passing: Travel = {
  isPortable: () => false,
  revive(_runtime, kind, payload) {
    if (kind !== portableKind.remote) return passOn(kind, payload);
    const [ref, template] = payload as [ObjectRef<unknown> | null, number];
    met.push(template);
    // The value keeps what it names.
    ref?.[Symbol.dispose]();
    return passOn(kind, [ref !== null, template]);
  },
};

/** Moves values between the core and entries. Values are not decoded, but for those that carry remote functions. */
export class WireValues {
  readonly #runtime: ThreadRuntime;
  /** Whether other nodes can fetch buffers here. */
  readonly #serves: boolean;
  /** Buffers of the open record, which are the core's once it is carried out. */
  #stored: number[] = [];

  constructor(runtime: ThreadRuntime, serves: boolean) {
    this.#runtime = runtime;
    this.#serves = serves;
  }

  /** The open record was carried out. */
  kept(): void {
    this.#stored = [];
  }

  /** The open record is not carried out: what its values have stored goes. */
  drop(): void {
    const { addon, port } = this.#runtime;
    for (const id of this.#stored) addon.releaseBuffer(port.id, id);
    this.#stored = [];
  }

  /** Whether the value at `pos` of the inbox carries remote functions, so that it has to be decoded. */
  carriesCode(pos: number): boolean {
    return this.#runtime.values.hasRefs(pos);
  }

  /** The value at `pos` in bytes for another node, with the templates that are named in it. */
  rename(pos: number): { readonly bytes: Uint8Array; readonly templates: readonly number[] } {
    met.length = 0;
    const value = this.#runtime.inbox.value(pos);
    return { bytes: encodeToBytes(value, selfContained).bytes, templates: met.splice(0) };
  }

  /** Bytes that the value at `pos` of the inbox has in an entry, but for a few. */
  size(pos: number): number {
    const view = this.#runtime.port.inboxView;
    const word = view.getUint32(pos, true);
    const bytes = (word & ~LINKED) >>> 0;
    if ((word & LINKED) === 0) return bytes;
    const lists = pos + 4 + bytes;
    const refs = view.getUint32(lists, true);
    const buffers = this.#bufferBytes(lists + 4 + refs * 4);
    return refs === 0 && this.#named(lists + 4, buffers) ? bytes : bytes + buffers;
  }

  /** The bytes of the buffers that are listed at `at` of the inbox. */
  #bufferBytes(at: number): number {
    const view = this.#runtime.port.inboxView;
    let bytes = 0;
    for (let i = view.getUint32(at, true); i > 0; i--) bytes += Number(view.getBigUint64(at + i * 12 - 4, true));
    return bytes;
  }

  /** Whether the buffers that are listed at `at`, of so many bytes, go by name. */
  #named(at: number, bytes: number): boolean {
    return this.#serves && bytes >= NAMED_BYTES && this.#runtime.port.inboxView.getUint32(at, true) <= MOST_BUFFERS;
  }

  /** Writes the value at `pos` of the inbox, which carries no code; large buffers only by name. Gives where it ends. */
  write(to: EntryWriter, pos: number, serve: Serve): number {
    const { port } = this.#runtime;
    const view = port.inboxView;
    const word = view.getUint32(pos, true);
    const length = (word & ~LINKED) >>> 0;
    let at = pos + 4 + length;
    // No refs: their count is 0.
    if ((word & LINKED) !== 0 && this.#named(at + 4, this.#bufferBytes(at + 4)))
      return this.#writeNamed(to, pos, serve);
    to.u8(form.asItIs);
    to.part(port.inbox, pos + 4, at);
    if ((word & LINKED) === 0) {
      to.u32(0);
      return at;
    }
    const count = view.getUint32(at + 4, true);
    at += 8;
    to.u32(count);
    for (let i = 0; i < count; i++) {
      const bytes = Number(view.getBigUint64(at + 4, true));
      to.u32(bytes);
      port.addon.readBuffer(port.id, view.getUint32(at, true), to.room(bytes));
      at += 12;
    }
    return at;
  }

  #writeNamed(to: EntryWriter, pos: number, serve: Serve): number {
    const { port } = this.#runtime;
    const view = port.inboxView;
    const end = pos + 4 + ((view.getUint32(pos, true) & ~LINKED) >>> 0);
    to.u8(form.named);
    to.part(port.inbox, pos + 4, end);
    const stored = Array.from({ length: view.getUint32(end + 4, true) }, (_, i) => {
      const at = end + 8 + i * 12;
      return { id: view.getUint32(at, true), byteLength: Number(view.getBigUint64(at + 4, true)) };
    });
    const number = serve(stored.map(({ id }) => id));
    writeNamed(to, { number, lengths: stored.map(({ byteLength }) => byteLength) });
    return end + 8 + stored.length * 12;
  }

  /** Writes a value with its length word at the end of the open record. */
  put(value: unknown): void {
    this.#runtime.values.write(value, 'value', true, true);
  }

  /** Writes a value of these bytes, and buffers that are stored. */
  putBytes(bytes: Uint8Array, stored: readonly StoredBuffer[] = none): void {
    const { writer } = this.#runtime.port;
    writer.ensure(4 + bytes.length);
    const mark = writer.pos - writer.moved;
    writer.bytes.set(bytes, writer.pos + 4);
    writer.pos += 4 + bytes.length;
    this.#runtime.port.finishValue(mark, stored);
  }

  /** Writes the next value of an entry with its length word at the end of the open record. `buffersOf`: what was fetched for it. */
  pass(from: EntryReader, inward: Inward, buffersOf: BuffersOf): void {
    const is = from.u8();
    if (is === form.renamed) {
      this.put(readRenamed(from.blob(), inward));
      return;
    }
    if (is > form.placed) throw malformed(`a value of form ${is}`);
    const { writer } = this.#runtime.port;
    const length = from.u32();
    writer.ensure(4 + length);
    const mark = writer.pos - writer.moved;
    from.copy(length, writer.bytes, writer.pos + 4);
    writer.pos += 4 + length;
    const stored = is === form.asItIs ? this.#brought(from) : this.#fetched(readNames(from, is), buffersOf);
    this.#runtime.port.finishValue(mark, stored);
  }

  /** Writes a value at the end of the open record, whose buffers are here. */
  putFetched({ bytes, named }: Unbuffered, buffers: readonly number[]): void {
    this.putBytes(
      bytes,
      this.#fetched(named, () => buffers),
    );
  }

  /** The next value of an entry, if its buffers are named; nothing is read of another. */
  takeUnbuffered(from: EntryReader): Unbuffered | undefined {
    if (from.peek() !== form.named) return undefined;
    from.u8();
    return { bytes: new Uint8Array(from.blob()), named: readNamed(from) };
  }

  /** Stores the buffers that came along. */
  #brought(from: EntryReader): readonly StoredBuffer[] {
    const count = from.u32();
    if (count === 0) return none;
    const stored: StoredBuffer[] = [];
    for (let i = 0; i < count; i++) {
      const bytes = from.blob();
      const id = this.#runtime.values.store(bytes);
      this.#stored.push(id);
      stored.push({ id, byteLength: bytes.length });
    }
    return stored;
  }

  #fetched(named: Named | Placed, buffersOf: BuffersOf): readonly StoredBuffer[] {
    const buffers = buffersOf(named);
    this.#stored.push(...buffers);
    return buffers.map((id, i) => ({ id, byteLength: named.lengths[i] as number }));
  }

  /** A reader of the next value of an entry, which is skipped. */
  fork(from: EntryReader): EntryReader {
    const { at } = from;
    skipValue(from);
    return from.fork(at);
  }

  /** Writes the next value of an entry into a fresh object of this thread. */
  passInto(object: number, from: EntryReader, inward: Inward, buffersOf: BuffersOf): void {
    const { port } = this.#runtime;
    try {
      port.begin(5).byte(op.put);
      port.word(object);
      this.pass(from, inward, buffersOf);
    } catch (error) {
      port.abort();
      this.drop();
      throw error;
    }
    this.kept();
    port.commit();
  }
}

/** Skips a value of an entry; gives the buffers that are named in it. */
export function skipValue(from: EntryReader): Named | Placed | undefined {
  const is = from.u8();
  from.blob();
  if (is === form.named || is === form.placed) return readNames(from, is);
  if (is === form.asItIs) for (let i = from.u32(); i > 0; i--) from.blob();
  return undefined;
}

function readNames(from: EntryReader, is: number): Named | Placed {
  if (is === form.named) return readNamed(from);
  const node = readNode(from);
  return { ...readNamed(from), node };
}

/** What the next `count` values of an entry name, each by itself, up to its end. */
export function namedIn(from: EntryReader, count: number): readonly (Named | Placed | undefined)[] {
  const named = Array.from({ length: count }, () => skipValue(from));
  from.end();
  return named;
}

/** Writes a value that stays at a node. */
export function writePlaced(to: EntryWriter, { bytes, named }: Unbuffered, node: NodeId): void {
  to.u8(form.placed);
  to.blob(bytes);
  writeNode(to, node);
  writeNamed(to, named);
}

const none: readonly never[] = [];

/** Writes a value that is these bytes alone. */
export function writeBytes(to: EntryWriter, bytes: Uint8Array): void {
  to.u8(form.asItIs);
  to.blob(bytes);
  to.u32(0);
}

/** Writes the bytes that `rename` gave. */
export function writeRenamed(to: EntryWriter, bytes: Uint8Array): void {
  to.u8(form.renamed);
  to.blob(bytes);
}

/** Every object of a value names its keys, as shapes have numbers in one process only. */
const selfContained = { shapes: { intern: () => -1, keys: () => [] } };

/** The value of bytes that `rename` made elsewhere; remote functions in it are `Passing` and can be written to the core. */
export function readRenamed(bytes: Uint8Array, inward: Inward): unknown {
  return decodeBytes(
    { bytes },
    {
      ...selfContained,
      revive: (kind, payload) => {
        if (kind !== portableKind.remote) return passOn(kind, payload);
        const [hasRef, template] = payload as [boolean, number];
        const { number, ref } = inward(template);
        return passOn(kind, [hasRef ? ref : null, number]);
      },
    },
  );
}
