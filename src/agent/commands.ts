import { here, op, outcome, submit } from '../core/port/wire.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import type { Placing } from './data/named.ts';
import { FIRST_TOKEN } from './news.ts';
import type { Objects } from './objects.ts';
import type { Run } from './run.ts';
import { type BuffersOf, type Inward, skipValue, type Unbuffered, type WireValues } from './values.ts';
import { type RunHead, valuesOf } from './wire/entries.ts';
import { type EntryReader, malformed } from './wire/entry.ts';

const none: readonly never[] = [];

/** For entries that name no buffers. */
const noBuffers: BuffersOf = ({ number }) => {
  throw malformed(`buffers ${number}, which it does not name`);
};
const noObjects: ReadonlyMap<number, number> = new Map();

/** What the agent tells its core: of tasks that are elsewhere, and of those of other nodes. */
export class Commands {
  readonly #port: ThreadRuntime['port'];
  readonly #values: WireValues;
  readonly #objects: Objects;

  constructor({ port }: ThreadRuntime, values: WireValues, objects: Objects) {
    this.#port = port;
    this.#values = values;
    this.#objects = objects;
  }

  /** The open record is not carried out. */
  #abort(): void {
    this.#port.abort();
    this.#values.drop();
  }

  /** Ends an attempt with the next `count` values of an entry. `buffersOf`: what was fetched for them. */
  result(
    index: number,
    kind: number,
    count: number,
    from: EntryReader,
    inward: Inward,
    buffersOf: BuffersOf = noBuffers,
  ): void {
    try {
      this.#beginResult(index, kind, count);
      for (let i = 0; i < count; i++) this.#values.pass(from, inward, buffersOf);
      from.end();
    } catch (error) {
      this.#abort();
      throw error;
    }
    this.#values.kept();
    this.#port.publish();
  }

  /** Ends an attempt with the next `count` values of an entry. Those whose buffers are named stay: `add` gives the place of each. */
  stays(index: number, count: number, from: EntryReader, inward: Inward, add: (value: Unbuffered) => Placing): void {
    let some = false;
    try {
      this.#beginResult(index, outcome.stays, count);
      for (let i = 0; i < count; i++) {
        const value = this.#values.takeUnbuffered(from);
        this.#port.writer.ensure(24);
        this.#port.writer.byte(value === undefined ? 0 : 1);
        if (value === undefined) this.#values.pass(from, inward, noBuffers);
        else {
          some = true;
          this.#placing(add(value));
        }
      }
      from.end();
      if (!some) throw malformed('an answer that names nothing');
    } catch (error) {
      this.#abort();
      throw error;
    }
    this.#values.kept();
    this.#port.publish();
  }

  #placing({ place, node, bytes }: Placing): void {
    const { writer } = this.#port;
    this.#port.word(place);
    this.#port.word(node);
    writer.view.setBigUint64(writer.pos, BigInt(bytes), true);
    writer.pos += 8;
  }

  /** Settles an object that is needed here, with a value whose buffers are. */
  here(object: number, value: Unbuffered, buffers: readonly number[]): void {
    this.#beginHere(here.value, object);
    this.#values.putFetched(value, buffers);
    this.#values.kept();
    this.#port.publish();
  }

  /** The same, with an error that is encoded already. */
  failHere(object: number, bytes: Uint8Array): void {
    this.#beginHere(here.error, object);
    this.#values.putBytes(bytes);
    this.#port.publish();
  }

  /** What was to be here is lost where it was: the core has it made again. */
  lostHere(object: number): void {
    this.#beginHere(here.lost, object);
    this.#port.publish();
  }

  #beginHere(kind: number, object: number): void {
    const writer = this.#port.begin(8);
    writer.byte(op.here);
    writer.byte(kind);
    this.#port.word(object);
  }

  /** What is at a place is lost. */
  lose(place: number): void {
    this.#place(op.lose, place);
  }

  /** What is at a place is needed here. */
  bring(place: number): void {
    this.#place(op.bring, place);
  }

  #place(kind: number, place: number): void {
    this.#port.begin(8).byte(kind);
    this.#port.word(place);
    this.#port.publish();
  }

  /** Ends an attempt with an error that is encoded already. */
  fail(index: number, kind: number, bytes: Uint8Array): void {
    this.#beginResult(index, kind, 1);
    this.#values.putBytes(bytes);
    this.#port.publish();
  }

  /** Gives a task back that has not begun. */
  giveBack(index: number, kind: number): void {
    this.#beginResult(index, kind, 0);
    this.#port.publish();
  }

  #beginResult(index: number, kind: number, count: number): void {
    const writer = this.#port.begin(8);
    writer.byte(op.result);
    writer.byte(kind);
    writer.view.setUint16(writer.pos, count, true);
    writer.view.setUint32(writer.pos + 2, index, true);
    writer.pos += 6;
  }

  /** The core may hand out so many more tasks of a line. */
  open(line: number, window: number): void {
    this.#line(false, line, window);
  }

  /** The line is over, unless it has tasks. */
  close(line: number): void {
    this.#line(true, line, 0);
  }

  #line(closes: boolean, line: number, window: number): void {
    const writer = this.#port.begin(10);
    writer.byte(op.line);
    writer.byte(closes ? 1 : 0);
    this.#port.word(line);
    this.#port.word(window);
    this.#port.publish();
  }

  /**
   * Has the core run a task of another node, whose arguments are the next values of an entry. `own`: objects of this node that stand
   * for values of the entry, by the place of these.
   */
  run(
    run: Run,
    head: RunHead,
    from: EntryReader,
    inward: Inward,
    buffersOf: BuffersOf = noBuffers,
    own: ReadonlyMap<number, number> = noObjects,
  ): void {
    // The arguments come first in the entry; the values of those that were refs are put into the core before them.
    const { deps } = head;
    const there = valuesOf(head) - 1;
    const args = there === 0 ? from : this.#values.fork(from);
    const fresh = there === own.size ? none : this.#objects.take(there - own.size);
    const given = own.size === 0 ? fresh : withOwn(there, own, fresh);
    const { objects } = run;
    try {
      for (let i = 0; i < there; i++) {
        if (own.has(i + 1)) skipValue(from);
        else this.#values.passInto(given[i] as number, from, inward, buffersOf);
      }
      const writer = this.#port.begin(64);
      writer.byte(op.run);
      writeOrigin(writer, run);
      writer.byte((deps > 0 ? submit.deps : 0) | (objects.length > 1 ? submit.multi : 0));
      writer.view.setUint32(writer.pos, run.template, true);
      writer.view.setUint32(writer.pos + 4, objects[0] as number, true);
      writer.pos += 8;
      this.#values.pass(args, inward, buffersOf);
      from.end();
      if (deps > 0) this.#port.list(run.makers.length === 0 ? given : merged(head, run.makers, given));
      if (objects.length > 1) this.#port.list(objects.slice(1));
    } catch (error) {
      this.#abort();
      throw error;
    } finally {
      for (const object of fresh) this.#objects.release(object);
    }
    this.#values.kept();
    this.#port.commit();
  }

  subscribe(object: number, token: number): void {
    this.#port.subscribe(object, FIRST_TOKEN + token, true);
  }

  /** Cancels the task that makes an object, if no thread has it. */
  takeBack(object: number): void {
    this.#port.begin(5).byte(op.takeBack);
    this.#port.word(object);
    this.#port.commit();
  }

  cancel(object: number, force: boolean, recursive: boolean): void {
    const writer = this.#port.begin(6);
    writer.byte(op.cancel);
    writer.byte((force ? 1 : 0) | (recursive ? 2 : 0));
    this.#port.word(object);
    this.#port.commit();
  }
}

/** The objects of the values that came behind the first, in order. */
function withOwn(count: number, own: ReadonlyMap<number, number>, fresh: readonly number[]): number[] {
  let next = 0;
  return Array.from({ length: count }, (_, i) => own.get(i + 1) ?? (fresh[next++] as number));
}

/** The arguments of a task that were refs, in order: what other runs make, and what came with it. */
function merged({ deps, made }: RunHead, makers: readonly Run[], given: readonly number[]): number[] {
  const all: number[] = [];
  let [next, more] = [0, 0];
  for (let position = 0; position < deps; position++) {
    const of = made[next];
    if (of?.position === position) all.push(makers[next++]?.objects[of.result] as number);
    else all.push(given[more++] as number);
  }
  return all;
}

/** What a task is at its submitter: `src/core/run/origin.ts` reads it in the worker. */
function writeOrigin(writer: ThreadRuntime['port']['writer'], { peer, index, generation, attempt, slot }: Run): void {
  const { bytes, view } = writer;
  // Eight bytes, for each task: a call would take longer.
  for (let i = 0; i < peer.id.length; i++) bytes[writer.pos + i] = peer.id[i] as number;
  // As in the text of a TaskId: high digits first.
  view.setUint32(writer.pos + 8, generation, false);
  view.setUint32(writer.pos + 12, index, false);
  view.setUint32(writer.pos + 16, attempt, true);
  view.setUint32(writer.pos + 20, slot, true);
  writer.pos += 24;
}
