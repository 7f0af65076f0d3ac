import { RuntimeClosedError } from '../../common/errors.ts';
import type { ObjectRef } from '../refs/object-ref.ts';
import { ObjectRefStream } from './stream.ts';
import type { StreamRuntime } from './stream-runtime.ts';

/** What is left of a stream that was collected. */
interface Dropped {
  readonly token: number;
  readonly end: ObjectRef<unknown>;
}

/**
 * The streams whose items come to a thread, by the name the core calls each. They are held weakly: the generator of a stream
 * that nobody can read any more is cancelled. Whoever waits for an item holds the stream.
 */
export class Streams {
  readonly #runtime: StreamRuntime;
  readonly #streams = new Map<number, WeakRef<ObjectRefStream<unknown>>>();
  readonly #collected: FinalizationRegistry<Dropped>;
  #next = 0;

  constructor(runtime: StreamRuntime) {
    this.#runtime = runtime;
    this.#collected = new FinalizationRegistry(({ token, end }) => {
      if (!this.#streams.delete(token) || runtime.closed) return;
      runtime.submitter.cancel(end, false, true);
      end[Symbol.dispose]();
    });
  }

  /** A name for a stream that is about to be submitted. */
  name(): number {
    return this.#next++;
  }

  /** The stream of that name, which ends when `end` is settled. */
  make(token: number, end: ObjectRef<unknown>): ObjectRefStream<unknown> {
    const stream = ObjectRefStream.of(this.#runtime, end, () => this.#streams.delete(token));
    this.#streams.set(token, new WeakRef(stream));
    // A ref of its own, which does not hold the stream.
    this.#collected.register(stream, { token, end });
    return stream;
  }

  get(token: number): ObjectRefStream<unknown> | undefined {
    return this.#streams.get(token)?.deref();
  }

  /** Those whose generators wait for a reader, while nobody reads. */
  stuck(): ObjectRefStream<unknown>[] {
    return this.#all().filter((stream) => stream.isStuck);
  }

  #all(): ObjectRefStream<unknown>[] {
    return [...this.#streams.values()].flatMap((weak) => weak.deref() ?? []);
  }

  /** Whoever waits for items is told that the runtime is closed. */
  close(): void {
    for (const stream of this.#all()) stream.fail(new RuntimeClosedError());
    this.#streams.clear();
  }
}
