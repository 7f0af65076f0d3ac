import { MobulaError } from '../../common/errors.ts';
import type { DecodeHooks } from './hooks.ts';
import { readLatin1, readUtf16 } from './strings.ts';
import { LATIN1, MAX_DEPTH, SHORT_STRING_LENGTHS, STRING_SHORT, UTF16 } from './tags.ts';

/** The error for bytes that no encoder wrote. */
export function damaged(what: string): MobulaError {
  return new MobulaError('ERR_MOBULA_INTERNAL', `An encoded value is damaged: ${what}. Please report this.`);
}

/** Makes objects from shape ids (`shape-factories.ts`). */
export interface ObjectMaker {
  /** Reads an object of shape `id`. */
  make(reader: Reader, id: number): object;
}

/** A stretch of memory the value's views share. */
export interface DecodedPart {
  readonly buffer: ArrayBufferLike;
  /** Where in the sender's ArrayBuffer it starts: offsets of views count from there. */
  readonly base: number;
}

/** The parts of a value (`binary-parts.ts`). */
export interface DecodedParts {
  at(place: number): DecodedPart;
}

/** What is known while one value is being decoded. */
export class Reader {
  bytes!: Uint8Array;
  view!: DataView;
  pos = 0;
  end = 0;
  hooks!: DecodeHooks;
  shapes!: ObjectMaker;
  /** Objects made so far, in the order the encoder met them; absent when nothing in the value refers back. */
  objects: unknown[] | undefined = undefined;
  parts: DecodedParts | undefined = undefined;
  #depth = 0;

  begin(bytes: Uint8Array, view: DataView, pos: number, end: number, hooks: DecodeHooks): void {
    this.bytes = bytes;
    this.view = view;
    this.pos = pos;
    this.end = end;
    this.hooks = hooks;
  }

  /** Forgets the value. */
  reset(): void {
    this.objects = undefined;
    this.parts = undefined;
    this.#depth = 0;
  }

  enter(): void {
    if (++this.#depth > MAX_DEPTH) throw damaged('nested too deep');
  }

  leave(): void {
    this.#depth--;
  }

  /** Moves past `count` bytes and returns where they start. */
  take(count: number): number {
    const start = this.pos;
    const next = start + count;
    if (next > this.end) throw damaged('cut short');
    this.pos = next;
    return start;
  }

  byte(): number {
    return this.bytes[this.take(1)] as number;
  }

  /** The next byte, which stays there; one that starts no value at the end. */
  peek(): number {
    return this.pos < this.end ? (this.bytes[this.pos] as number) : -1;
  }

  float64(): number {
    return this.view.getFloat64(this.take(8), true);
  }

  varint(): number {
    const bytes = this.bytes;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const part = bytes[this.take(1)] as number;
      value += (part & 0x7f) * scale;
      if (part < 0x80) return value;
      scale *= 128;
    }
    throw damaged('a length out of range');
  }

  /** Reads a value known to be a string, such as a key. */
  string(): string {
    const tag = this.byte();
    if (tag >= STRING_SHORT && tag < STRING_SHORT + SHORT_STRING_LENGTHS) return this.latin1(tag - STRING_SHORT);
    if (tag === LATIN1) return this.latin1(this.varint());
    if (tag === UTF16) return this.utf16(this.varint());
    throw damaged('a string expected');
  }

  latin1(length: number): string {
    return readLatin1(this.bytes, this.take(length), length);
  }

  utf16(byteLength: number): string {
    return readUtf16(this.bytes, this.take(byteLength), byteLength);
  }

  /** Remembers an object as the next one; its own contents come after it. */
  track(object: unknown): void {
    if (this.objects !== undefined) this.objects.push(object);
  }

  /** Keeps the place of an object that can only be made after its contents. */
  reserve(): number {
    return this.objects === undefined ? -1 : this.objects.push(undefined) - 1;
  }

  fill(place: number, object: unknown): void {
    if (this.objects !== undefined) this.objects[place] = object;
  }
}
