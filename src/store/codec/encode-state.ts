import type { BinaryTable } from './binary-table.ts';
import type { EncodeHooks } from './hooks.ts';
import { refersToItself, tooDeep } from './refusal.ts';
import { BACK_REFERENCE, MAX_DEPTH, REF, ROOT, ROOT_SHARED } from './tags.ts';
import type { Writer } from './writer.ts';

/** So many objects are searched one by one before a Map of them pays. */
const LISTED = 12;

/** An object by its string keys. */
export type Fields = Readonly<Record<string, unknown>>;
/** Writes any value. */
export type Write = (state: EncodeState, value: unknown) => void;
/** Writes the values of an object of one shape, in the order of its keys. */
export type ShapeWriter = (state: EncodeState, object: Fields) => void;

/** Finds what a thread knows of key lists (`shape-trie.ts`). */
export interface KeyLists {
  find(keys: readonly string[]): KeyList;
}

/** What a thread knows of one key list. */
export interface KeyList {
  /** The id of the key list, or -1 if the keys have to travel inline. */
  readonly id: number;
  /** Writes the values, once the list was met often enough. */
  readonly write: ShapeWriter | undefined;
}

/** What is known while one value is being encoded. */
export class EncodeState {
  writer!: Writer;
  hooks!: EncodeHooks;
  keyLists!: KeyLists;
  binary: BinaryTable | undefined = undefined;
  /** Writes any value; here so that the files below encode.ts can recurse into it. */
  readonly write: Write;
  #depth = 0;
  /** Objects met so far; each is known to the decoder by its place in this order. */
  #count = 0;
  readonly #listed: (object | undefined)[] = new Array<undefined>(LISTED).fill(undefined);
  #mapped: Map<object, number> | undefined = undefined;
  /** Places of the objects whose payloads are being written: each exists at the reader only after its payload. */
  readonly #unmade: number[] = [];
  #rootMark = 0;
  #rootShared = false;

  constructor(write: Write) {
    this.write = write;
  }

  /** Starts a value; one that is compound, and may hold an object twice, comes with key lists, and has a byte before it that says so. */
  begin(writer: Writer, hooks: EncodeHooks, keyLists: KeyLists | undefined): void {
    this.writer = writer;
    this.hooks = hooks;
    if (keyLists === undefined) return;
    this.keyLists = keyLists;
    writer.ensure(1);
    this.#rootMark = writer.pos - writer.moved;
    writer.byte(ROOT);
  }

  /** Forgets the value, and every object of the caller with it. */
  reset(): void {
    const listed = Math.min(this.#count, LISTED);
    for (let i = 0; i < listed; i++) this.#listed[i] = undefined;
    this.#mapped = undefined;
    this.#unmade.length = 0;
    this.#count = 0;
    this.#depth = 0;
    this.#rootShared = false;
    this.binary = undefined;
  }

  enter(): void {
    if (++this.#depth > MAX_DEPTH) throw tooDeep(MAX_DEPTH);
  }

  leave(): void {
    this.#depth--;
  }

  /** What the object met last is to be made from comes next. */
  enterPayload(): void {
    this.#unmade.push(this.#count - 1);
    this.enter();
  }

  leavePayload(): void {
    this.#unmade.pop();
    this.leave();
  }

  /** Writes a back reference and returns true if `object` was met before; else remembers it. */
  isRepeat(object: object): boolean {
    const count = this.#count;
    if (count > LISTED) return this.#isMapped(object);
    const listed = this.#listed;
    for (let i = 0; i < count; i++) {
      if (listed[i] === object) return this.#refer(i);
    }
    if (count === LISTED) return this.#isMapped(object);
    listed[count] = object;
    this.#count = count + 1;
    return false;
  }

  #isMapped(object: object): boolean {
    if (this.#mapped === undefined) {
      this.#mapped = new Map();
      for (let i = 0; i < LISTED; i++) this.#mapped.set(this.#listed[i] as object, i);
    }
    const place = this.#mapped.get(object);
    if (place !== undefined) return this.#refer(place);
    this.#mapped.set(object, this.#count++);
    return false;
  }

  writeRef(ref: object): void {
    const index = this.hooks.refIndex(ref);
    const writer = this.writer;
    writer.ensure(1);
    writer.byte(REF);
    writer.varint(index);
    writer.refs.push(index);
  }

  #refer(place: number): true {
    if (this.#unmade.includes(place)) throw refersToItself();
    const writer = this.writer;
    if (!this.#rootShared) {
      // Tells the decoder to number the objects it makes; it need not when nothing refers back.
      this.#rootShared = true;
      writer.bytes[this.#rootMark + writer.moved] = ROOT_SHARED;
    }
    writer.ensure(1);
    writer.byte(BACK_REFERENCE);
    writer.varint(place);
    return true;
  }
}
