import type { CallOptions } from '../../common/call-options.ts';
import { type ActorOptions, type ResolvedActorOptions, resolveActorOptions } from '../../common/options.ts';
import { printable, shown } from '../../common/print.ts';
import { portable } from '../../store/codec/hooks.ts';
import { requireRuntime } from '../current.ts';
import { refuseInCluster } from '../submit/not-built.ts';
import type { Remote } from '../submit/remote.ts';
import type { Args, Result, Returns } from '../submit/remote-function.ts';
import { createActor, getOrCreateActor } from './names.ts';

/** Any class. */
// biome-ignore lint/suspicious/noExplicitAny: only `any` accepts every constructor
export type AnyClass = abstract new (...args: any[]) => object;

/** A method of an actor, as its handle has it. `A`: its parameters, `R`: what it returns, `N`: its `numReturns`. */
export interface ActorMethod<A extends readonly unknown[], R, N extends number = 1> {
  /**
   * Calls the method; gives a ref at once. Calls of one caller run in the order in which they were made.
   *
   * @throws {SerializationError} when an argument cannot travel.
   * @throws {PendingCallsLimitError} when `maxPendingCalls` calls are waiting.
   */
  remote(...args: Args<A>): Result<R, N>;
  /**
   * The same method with options for its calls.
   *
   * @example
   * const Counter = remote(class Counter { #n = 0; inc(by = 1) { return (this.#n += by); } });
   * const counter = Counter.remote();
   * console.log(await get(counter.inc.options({ timeoutMs: 5000 }).remote(5))); // 5
   */
  options<const O extends CallOptions>(options: O): ActorMethod<A, R, Returns<O, N>>;
}

/** The public methods of an instance, as its handle has them. */
export type ActorMethods<T> = {
  readonly [K in keyof T as K extends symbol
    ? never
    : T[K] extends (...args: never) => unknown
      ? K
      : never]: T[K] extends (...args: infer A) => infer R ? ActorMethod<A, R> : never;
};

/**
 * A handle to an actor: the methods of the actor's class, each with `remote`, and `Symbol.dispose`, which gives the handle
 * back early: an actor without handles ends. Handles may be passed to tasks and actors.
 */
export type ActorHandle<C extends AnyClass> = ActorMethods<InstanceType<C>> & Disposable;

/**
 * A class whose instances live in worker threads. Made by `remote`.
 *
 * @example
 * const Counter = remote(class Counter { #n = 0; inc(by = 1) { return (this.#n += by); } });
 * const counter = Counter.remote();
 * console.log(await get(counter.inc.remote(5))); // 5
 */
export class ActorClass<C extends AnyClass> {
  readonly #remote: Remote<ResolvedActorOptions>;

  private constructor(remote: Remote<ResolvedActorOptions>) {
    this.#remote = remote;
    Object.defineProperty(this, portable, { value: () => remote.travel(requireRuntime()) });
  }

  /** @internal */
  static of<C extends AnyClass>(remote: Remote<ResolvedActorOptions>): ActorClass<C> {
    return new ActorClass<C>(remote);
  }

  static {
    printable(ActorClass.prototype, (it: ActorClass<AnyClass>) =>
      shown('ActorClass', it.#remote.code.source?.name || 'Actor'),
    );
  }

  /**
   * Creates an actor; gives its handle at once. The constructor runs in the thread where the actor will live.
   *
   * With a `name` that a live actor has, the calls of the handle reject with `ActorNameTakenError`; with `getIfExists` the
   * handle is one to that actor, and no constructor runs.
   *
   * @throws {CaptureError} when the class closes over something that cannot travel.
   * @throws {SerializationError} when an argument cannot travel.
   * @throws {UnschedulableError} when no node has what the actor asks for.
   */
  remote(...args: Args<ConstructorParameters<C>>): ActorHandle<C> {
    const runtime = requireRuntime();
    refuseInCluster(runtime.facts, 'An actor');
    const template = this.#remote.template(runtime);
    if (runtime.watch !== undefined) runtime.recheck(this.#remote.code.source);
    const { name, namespace = runtime.facts.namespace, getIfExists } = this.#remote.options;
    const full = name === undefined ? undefined : { namespace, name };
    const handle =
      full !== undefined && getIfExists
        ? getOrCreateActor(runtime, template, args, full)
        : createActor(runtime, template, args, full);
    return handle as ActorHandle<C>;
  }

  /** The same class with other options; those not named stay as they are. */
  options(options: ActorOptions): ActorClass<C> {
    return new ActorClass(this.#remote.with(resolveActorOptions(options, this.#remote.options)));
  }
}
