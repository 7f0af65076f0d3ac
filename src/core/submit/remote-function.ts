import { MobulaError } from '../../common/errors.ts';
import { type ResolvedTaskOptions, resolveTaskOptions, type TaskOptions } from '../../common/options.ts';
import { printable, shown } from '../../common/print.ts';
import { portable } from '../../store/codec/hooks.ts';
import { Refusal } from '../../store/codec/refusal.ts';
import { requireRuntime } from '../current.ts';
import { submit } from '../port/wire.ts';
import { ObjectRef } from '../refs/object-ref.ts';
import type { ThreadRuntime } from '../runtime.ts';
import type { ObjectRefStream } from '../wait/stream.ts';
import { refuseInCluster } from './not-built.ts';
import type { Remote } from './remote.ts';

/**
 * An argument for a parameter of type `T`: a value, or the ref of one. A ref is resolved before the function runs, so for a
 * parameter that is to be a ref itself only the ref of a ref will do; or nest it in an object or array, where refs stay refs.
 */
export type Arg<T> = Exclude<T, ObjectRef<unknown>> | ObjectRef<T>;

/** The arguments of a remote call: each may be a ref. */
export type Args<A extends readonly unknown[]> = { [K in keyof A]: Arg<A[K]> };

/** A ref for each item of a tuple. */
type RefsOf<T extends readonly unknown[]> = { -readonly [K in keyof T]: ObjectRef<T[K]> };

/** As many refs as `numReturns` says, where the function's result is an array of unknown length: a tuple if they are few. */
type Repeated<T, N extends number, Refs extends ObjectRef<T>[] = []> = number extends N
  ? ObjectRef<T>[]
  : Refs['length'] extends N
    ? Refs
    : Refs['length'] extends 32
      ? ObjectRef<T>[]
      : Repeated<T, N, [...Refs, ObjectRef<T>]>;

type Several<T, N extends number> = T extends readonly unknown[]
  ? number extends T['length']
    ? Repeated<T[number], N>
    : RefsOf<T>
  : ObjectRef<unknown>[];

/** Whether a type is `any` or `never`: neither is asked whether it is a generator, since both would say yes. */
type IsExtreme<T> = 0 extends 1 & T ? true : [T] extends [never] ? true : false;

/** What a remote call gives: a ref, as many refs as `numReturns` says, or a stream of refs for a generator. */
export type Result<R, N extends number> =
  IsExtreme<R> extends true
    ? N extends 1
      ? ObjectRef<R>
      : Repeated<R, N>
    : // In brackets, so that a union stays one: a function of boolean gives ObjectRef<boolean>.
      [R] extends [AsyncIterable<infer T> | Iterator<infer T>]
      ? ObjectRefStream<T>
      : N extends 1
        ? ObjectRef<Awaited<R>> | MaybeStream<R>
        : Several<Awaited<R>, N>;

/** `Iterable<T>` alone does not say whether a function is a generator: what a call gives has to be asked. */
type MaybeStream<R> = [R] extends [Iterable<infer T>] ? (Iterable<T> extends R ? ObjectRefStream<T> : never) : never;

/** `numReturns` among options, 1 if absent. */
export type Returns<O, Otherwise extends number> =
  O extends Record<'numReturns', infer N extends number> ? N : Otherwise;

/**
 * A function that runs in the workers of the node. Made by `remote`.
 *
 * @example
 * const add = remote((a: number, b: number) => a + b);
 * const three = add.remote(1, 2);
 * console.log(await get(add.remote(three, 4))); // 7
 */
export class RemoteFunction<A extends readonly unknown[], R, N extends number = 1> {
  readonly #remote: Remote<ResolvedTaskOptions>;
  readonly #signal: AbortSignal | undefined;

  private constructor(remote: Remote<ResolvedTaskOptions>, signal: AbortSignal | undefined) {
    this.#remote = remote;
    this.#signal = signal;
    Object.defineProperty(this, portable, {
      value: () => {
        if (signal !== undefined) throw signalStays();
        return remote.travel(requireRuntime());
      },
    });
  }

  /** @internal */
  static of<A extends readonly unknown[], R, N extends number = 1>(
    remote: Remote<ResolvedTaskOptions>,
    signal?: AbortSignal,
  ): RemoteFunction<A, R, N> {
    return new RemoteFunction(remote, signal);
  }

  static {
    printable(RemoteFunction.prototype, (it: RemoteFunction<readonly unknown[], unknown>) =>
      shown('RemoteFunction', it.#remote.options.name),
    );
  }

  /**
   * Calls the function: it runs in a worker as soon as its arguments are there and its resources free.
   *
   * @throws {CaptureError} when the function closes over something that cannot travel.
   * @throws {SerializationError} when an argument cannot travel.
   * @throws {UnschedulableError} when no node has what the function asks for.
   */
  remote(...args: Args<A>): Result<R, N> {
    const runtime = requireRuntime();
    const template = this.#remote.template(runtime);
    if (runtime.watch !== undefined) runtime.recheck(this.#remote.code.source);
    const { generator, numReturns } = template.info;
    // What is cancelled already is never placed: a thread might take it before the cancel comes.
    const flags = this.#signal?.aborted === true ? submit.cancelled : 0;
    if (generator) {
      refuseInCluster(runtime.facts, 'A generator, whose items are a stream,');
      const stream = runtime.submitter.submitStream(template, flags, args, -1);
      if (this.#signal !== undefined && flags === 0) {
        const weak = new WeakRef(stream);
        watchers.add(runtime, this.#signal, stream, () => weak.deref()?.cancel());
      }
      return stream as Result<R, N>;
    }
    if (numReturns > 1) return this.#several(runtime, flags, args, numReturns) as Result<R, N>;
    const ref = runtime.refs.make();
    try {
      runtime.submitter.submit(template, flags, args, [ObjectRef.index(ref)]);
    } catch (error) {
      ref[Symbol.dispose]();
      throw error;
    }
    if (this.#signal !== undefined && flags === 0) this.#watch(this.#signal, runtime, ref);
    return ref as Result<R, N>;
  }

  #several(runtime: ThreadRuntime, flags: number, args: Args<A>, count: number): ObjectRef<unknown>[] {
    const refs = Array.from({ length: count }, () => runtime.refs.make());
    try {
      runtime.submitter.submit(
        this.#remote.template(runtime),
        flags,
        args,
        refs.map((ref) => ObjectRef.index(ref)),
      );
    } catch (error) {
      for (const ref of refs) ref[Symbol.dispose]();
      throw error;
    }
    // Any of them may be the one that is kept.
    if (this.#signal !== undefined && flags === 0) for (const ref of refs) this.#watch(this.#signal, runtime, ref);
    return refs;
  }

  #watch(signal: AbortSignal, runtime: ThreadRuntime, ref: ObjectRef<unknown>): void {
    const weak = new WeakRef(ref);
    const cancel = (): void => {
      const target = weak.deref();
      if (target !== undefined && !runtime.closed && ObjectRef.index(target) >= 0)
        runtime.submitter.cancel(target, false, true);
    };
    watchers.add(runtime, signal, ref, cancel);
  }

  /** The same function with other options. */
  options<const O extends TaskOptions>(options: O): RemoteFunction<A, R, Returns<O, N>> {
    const { shape } = this.#remote;
    const resolved = resolveTaskOptions(options, this.#remote.options);
    if (shape.kind === 'task' && shape.generator && resolved.numReturns > 1) {
      throw new MobulaError('ERR_MOBULA_INVALID_OPTION', 'A generator yields a stream; it takes no numReturns.');
    }
    return new RemoteFunction(this.#remote.with(resolved), options.signal ?? this.#signal);
  }
}

/** A remote function without its signal would do something else. */
function signalStays(): Refusal {
  return new Refusal(
    'is a remote function with a signal, which no other thread can see abort',
    'Send it without the signal (set the signal with options() where it is called), and cancel() the refs it gave.',
  );
}

/** @internal Cancels to run when signals abort: one listener per signal, however many tasks it stands for. */
class Watchers {
  readonly #bySignal = new WeakMap<AbortSignal, Set<() => void>>();
  readonly #collected = new FinalizationRegistry<() => void>((forget) => forget());

  add(runtime: ThreadRuntime, signal: AbortSignal, ref: object, cancel: () => void): void {
    let cancels = this.#bySignal.get(signal);
    if (cancels === undefined) {
      const all = new Set<() => void>();
      signal.addEventListener(
        'abort',
        () => {
          // In one go: none of them may begin with what another one gives back.
          runtime.port.together(() => {
            for (const each of all) each();
          });
          all.clear();
        },
        { once: true },
      );
      this.#bySignal.set(signal, all);
      cancels = all;
    }
    const set = cancels;
    set.add(cancel);
    this.#collected.register(ref, () => set.delete(cancel));
  }
}

/** @internal */
export const watchers: Watchers = new Watchers();
