import { LINKED, op } from '../core/port/wire.ts';
import type { ObjectRef } from '../core/refs/object-ref.ts';
import type { ThreadRuntime, Travel } from '../core/runtime.ts';
import { portableKind } from '../core/submit/remote.ts';
import { decodeBytes, encodeToBytes, portable } from '../store/codec/index.ts';
import type { EntryReader, EntryWriter } from './wire/entry.ts';
import { malformed } from './wire/entry.ts';

/** How a value lies in an entry: as the core has it, or encoded anew since it names something of one node. */
const form = { asItIs: 0, renamed: 1 } as const;

/** Something that travels by kind and payload, on its way through an agent, which does not rebuild it. */
function passOn(kind: number, payload: unknown): object {
  return { [portable]: () => [kind, payload] as const };
}

/** This node's number for a template of a sender's, and the ref that keeps it here. */
export type Inward = (template: number) => { readonly number: number; readonly ref: ObjectRef<unknown> };

/** A value that came from another node, before it is written into a command. */
export type Arrived =
  | { readonly bytes: Uint8Array; readonly buffers: readonly Uint8Array[] }
  | { readonly value: unknown };

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

  constructor(runtime: ThreadRuntime) {
    this.#runtime = runtime;
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

  /** Writes the value at `pos` of the inbox, which carries no code. Gives where it ends. */
  write(to: EntryWriter, pos: number): number {
    const { port } = this.#runtime;
    const view = port.inboxView;
    const word = view.getUint32(pos, true);
    const length = (word & ~LINKED) >>> 0;
    to.u8(form.asItIs);
    to.blob(port.inbox.subarray(pos + 4, pos + 4 + length));
    let at = pos + 4 + length;
    if ((word & LINKED) === 0) {
      to.u32(0);
      return at;
    }
    // No refs: their count is 0.
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

  /** Reads a value of an entry. Nothing of the entry's bytes is kept. */
  read(from: EntryReader, inward: Inward): Arrived {
    const is = from.u8();
    if (is === form.renamed) return { value: readRenamed(from.blob(), inward) };
    if (is !== form.asItIs) throw malformed(`a value of form ${is}`);
    const bytes = from.blob().slice();
    const count = from.u32();
    const buffers: Uint8Array[] = [];
    for (let i = 0; i < count; i++) buffers.push(from.blob().slice());
    return { bytes, buffers };
  }

  /** Writes a value with its length word at the end of the open record. */
  put(arrived: Arrived): void {
    const { port, values } = this.#runtime;
    if ('value' in arrived) {
      values.write(arrived.value, 'value', true, true);
      return;
    }
    const { bytes, buffers } = arrived;
    const stored = buffers.map((each) => ({ id: values.store(each), byteLength: each.length }));
    const { writer } = port;
    writer.ensure(4 + bytes.length);
    const mark = writer.pos - writer.moved;
    writer.pos += 4;
    writer.bytes.set(bytes, writer.pos);
    writer.pos += bytes.length;
    port.finishValue(mark, stored);
  }

  /** Writes a value into a fresh object of this thread. */
  putInto(object: number, arrived: Arrived): void {
    const { port } = this.#runtime;
    try {
      port.begin(5).byte(op.put);
      port.word(object);
      this.put(arrived);
    } catch (error) {
      port.abort();
      throw error;
    }
    port.commit();
  }
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
