import { op, submit } from '../core/port/wire.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import { FIRST_TOKEN } from './news.ts';
import type { Objects } from './objects.ts';
import type { Run } from './run.ts';
import type { BuffersOf, Inward, WireValues } from './values.ts';
import { type RunHead, valuesOf } from './wire/entries.ts';
import { type EntryReader, malformed } from './wire/entry.ts';

const none: readonly never[] = [];

/** For entries that name no buffers. */
const noBuffers: BuffersOf = (number) => {
  throw malformed(`buffers ${number}, which it does not name`);
};

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
      this.#port.abort();
      this.#values.drop();
      throw error;
    }
    this.#values.kept();
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

  /** Has the core run a task of another node, whose arguments are the next values of an entry. */
  run(run: Run, head: RunHead, from: EntryReader, inward: Inward, buffersOf: BuffersOf = noBuffers): void {
    // The arguments come first in the entry; the values of those that were refs are put into the core before them.
    const { deps } = head;
    const there = valuesOf(head) - 1;
    const args = there === 0 ? from : this.#values.fork(from);
    const given = there === 0 ? none : this.#objects.take(there);
    const { objects } = run;
    try {
      for (const object of given) this.#values.passInto(object, from, inward, buffersOf);
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
      this.#port.abort();
      this.#values.drop();
      throw error;
    } finally {
      for (const object of given) this.#objects.release(object);
    }
    this.#values.kept();
    this.#port.commit();
  }

  subscribe(object: number, token: number): void {
    this.#port.subscribe(object, FIRST_TOKEN + token, true);
  }

  cancel(object: number, force: boolean, recursive: boolean): void {
    const writer = this.#port.begin(6);
    writer.byte(op.cancel);
    writer.byte((force ? 1 : 0) | (recursive ? 2 : 0));
    this.#port.word(object);
    this.#port.commit();
  }
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
  bytes.set(peer.id, writer.pos);
  // As in the text of a TaskId: high digits first.
  view.setUint32(writer.pos + 8, generation, false);
  view.setUint32(writer.pos + 12, index, false);
  view.setUint32(writer.pos + 16, attempt, true);
  view.setUint32(writer.pos + 20, slot, true);
  writer.pos += 24;
}
