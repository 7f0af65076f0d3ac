import { RuntimeClosedError } from '../../common/errors.ts';
import { printable, shown } from '../../common/print.ts';
import { ObjectRef } from '../refs/object-ref.ts';
import type { StreamRuntime } from './stream-runtime.ts';
import { SingleGet } from './waiting.ts';

/** How many items a generator may be ahead of its consumer. */
export const STREAM_WINDOW = 16;

/**
 * The refs of what a remote generator yields, in order, as they come.
 *
 * The generator runs ahead of its consumer by a few items and then waits. Leaving the loop early cancels it. What it
 * throws rejects the loop after the items before it.
 *
 * @example
 * const squares = remote(function* (n: number) {
 *   for (let i = 0; i < n; i++) yield i * i;
 * });
 * for await (const ref of squares.remote(4)) console.log(await get(ref)); // 0, 1, 4, 9
 */
export class ObjectRefStream<T> implements AsyncIterableIterator<ObjectRef<T>> {
  readonly #runtime: StreamRuntime;
  /** Settled when the generator ends: its value is how many items there were. */
  readonly #end: ObjectRef<unknown>;
  readonly #forget: () => void;
  readonly #items: ObjectRef<unknown>[] = [];
  readonly #takers: { resolve(result: IteratorResult<ObjectRef<T>>): void; reject(error: unknown): void }[] = [];
  #received = 0;
  #expected = -1;
  #error: { readonly error: unknown } | undefined;
  #watching = false;
  /** Items taken since the generator was last told of room. */
  #consumed = 0;
  /** Items for which it was told of room. */
  #credited = 0;

  private constructor(runtime: StreamRuntime, end: ObjectRef<unknown>, forget: () => void) {
    this.#runtime = runtime;
    this.#end = end;
    this.#forget = forget;
  }

  /** @internal */
  static of(runtime: StreamRuntime, end: ObjectRef<unknown>, forget: () => void): ObjectRefStream<unknown> {
    return new ObjectRefStream(runtime, end, forget);
  }

  static {
    printable(ObjectRefStream.prototype, (it: ObjectRefStream<unknown>) => {
      const ended = it.#expected >= 0 && it.#received >= it.#expected && it.#items.length === 0;
      return shown('ObjectRefStream', it.#end.id, ended ? 'ended' : 'open');
    });
  }

  /** Itself, for `for await`. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next ref, as soon as there is one. */
  next(): Promise<IteratorResult<ObjectRef<T>>> {
    if (!this.#watching && this.#expected < 0) this.#watch();
    const taken = new Promise<IteratorResult<ObjectRef<T>>>((resolve, reject) => {
      this.#takers.push({ resolve, reject });
    });
    this.#serve();
    // Whoever waits keeps the stream, and the program.
    if (this.#takers.length > 0) this.#runtime.keepAlive.hold(this);
    return this.#runtime.lender.blocking(taken, [ObjectRef.index(this.#end)]);
  }

  /** Ends the stream: the generator is cancelled, and what it has yielded is given back. */
  return(): Promise<IteratorResult<ObjectRef<T>>> {
    if (this.#expected < 0 && !this.#runtime.closed) this.#runtime.submitter.cancel(this.#end, false, true);
    this.#expected = this.#received;
    this.#error = undefined;
    for (const item of this.#items.splice(0)) item[Symbol.dispose]();
    this.#forget();
    this.#serve();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Ends the stream, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.return().then(() => undefined);
  }

  /** @internal Cancels the generator: after what it has yielded, `next` rejects with `TaskCancelledError`. */
  cancel(): void {
    if (this.#expected >= 0 || this.#runtime.closed) return;
    this.#runtime.submitter.cancel(this.#end, false, true);
    if (!this.#watching) this.#watch();
  }

  /** @internal One more item. */
  push(item: ObjectRef<unknown>): void {
    this.#received++;
    this.#items.push(item);
    this.#serve();
  }

  /** @internal Whether its generator waits for a reader, and nobody reads. */
  get isStuck(): boolean {
    const full = this.#received - this.#credited >= STREAM_WINDOW;
    return full && this.#expected < 0 && this.#takers.length === 0;
  }

  /** @internal The generator failed, or the runtime is closed. */
  fail(error: unknown): void {
    this.#error = { error };
    // Items are delivered before the end, so all there will be are here.
    this.#expected = this.#received;
    this.#forget();
    this.#serve();
  }

  /** @internal The runtime closes, and nobody reads: the generator is cancelled. */
  giveUp(): void {
    this.#runtime.submitter.cancel(this.#end, false, true);
    this.fail(new RuntimeClosedError());
  }

  #watch(): void {
    this.#watching = true;
    // Weak: a stream that nobody holds any more is collected, though its generator has not ended.
    const weak = new WeakRef(this);
    const resolve = (count: unknown): void => {
      const stream = weak.deref();
      if (stream !== undefined) stream.#ended(count as number);
    };
    const reject = (error: unknown): void => weak.deref()?.fail(error);
    const { subscriptions, inbox } = this.#runtime;
    subscriptions.add(new EndWatch(this.#end, inbox, resolve, reject), 0);
  }

  #ended(count: number): void {
    if (this.#expected >= 0) return;
    this.#expected = count;
    this.#serve();
  }

  #serve(): void {
    while (this.#takers.length > 0) {
      const item = this.#items.shift();
      if (item !== undefined) {
        this.#takers.shift()?.resolve({ done: false, value: item as ObjectRef<T> });
        this.#credit();
        continue;
      }
      if (this.#expected < 0 || this.#received < this.#expected) return;
      this.#forget();
      const taker = this.#takers.shift();
      const failed = this.#error;
      this.#error = undefined;
      if (failed === undefined) taker?.resolve({ done: true, value: undefined });
      else taker?.reject(failed.error);
    }
    this.#runtime.keepAlive.release(this);
  }

  /** Lets the generator go on once half a window is consumed. */
  #credit(): void {
    if (++this.#consumed < STREAM_WINDOW / 2 || this.#expected >= 0) return;
    this.#runtime.submitter.credit(ObjectRef.index(this.#end), this.#consumed);
    this.#credited += this.#consumed;
    this.#consumed = 0;
  }
}

/** Waits for the end of a stream. A program does not live for it: whoever reads keeps it alive. */
class EndWatch extends SingleGet {
  override get keepsAlive(): boolean {
    return false;
  }
}
