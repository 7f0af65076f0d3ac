import { MobulaError, PendingCallsLimitError } from '../../common/errors.ts';
import { type ActorOptions, type ResolvedActorOptions, resolveActorOptions } from '../../common/options.ts';
import { portable } from '../../store/codec/index.ts';
import { requireRuntime } from '../current.ts';
import { submit } from '../port/wire.ts';
import { ObjectRef } from '../refs/object-ref.ts';
import type { ThreadRuntime } from '../runtime.ts';
import { portableKind, type Remote } from '../submit/remote.ts';
import type { Args, Result } from '../submit/remote-function.ts';
import type { Template } from '../submit/template.ts';

/** Any class. */
// biome-ignore lint/suspicious/noExplicitAny: only `any` accepts every constructor
export type AnyClass = abstract new (...args: any[]) => object;

/** A method of an actor. */
export interface ActorMethod<A extends readonly unknown[], R> {
  /** Calls the method: calls of one caller run in the order in which they were made. */
  remote(...args: Args<A>): Result<R, 1>;
}

/** The public methods of an instance, as its handle has them. */
export type ActorMethods<T> = {
  readonly [K in keyof T as T[K] extends (...args: never) => unknown ? K : never]: T[K] extends (
    ...args: infer A
  ) => infer R
    ? ActorMethod<A, R>
    : never;
};

/** A handle to an actor: it has the methods of the actor's class, each with `remote`. Handles may be passed anywhere. */
export type ActorHandle<C extends AnyClass> = ActorMethods<InstanceType<C>>;

/** What is behind a handle. */
interface Inner {
  readonly ref: ObjectRef<unknown>;
  readonly template: Template;
}

/** Handles do not show what they are made of. */
const inners = new WeakMap<object, Inner>();

/** Whether `value` is a handle. */
export function isActorHandle(value: unknown): value is object {
  return typeof value === 'object' && value !== null && inners.has(value);
}

/** The ref of the actor's object: it lives as long as the actor may be called. */
export function actorRef(handle: object): ObjectRef<unknown> {
  const inner = inners.get(handle);
  if (inner === undefined) {
    const problem = 'This is not an actor handle. Pass what ActorClass.remote() or getActor() gave.';
    throw new MobulaError('ERR_MOBULA_INVALID_ARGUMENT', problem);
  }
  return inner.ref;
}

/** Prototypes of handles, by runtime and template: the methods are made once per class. */
const prototypes = new WeakMap<ThreadRuntime, Map<number, object>>();

function prototypeOf(runtime: ThreadRuntime, template: Template): object {
  let known = prototypes.get(runtime);
  if (known === undefined) {
    known = new Map();
    prototypes.set(runtime, known);
  }
  let prototype = known.get(template.id);
  if (prototype === undefined) {
    prototype = makePrototype(template);
    known.set(template.id, prototype);
  }
  return prototype;
}

function makePrototype(template: Template): object {
  const { info } = template;
  if (info.kind !== 'actor') throw new MobulaError('ERR_MOBULA_INTERNAL', 'not an actor');
  // No prototype: a handle answers to its class's own methods, and to nothing else.
  const prototype = Object.create(null) as object;
  for (const { name } of info.methods) {
    Object.defineProperty(prototype, name, {
      get(this: object): ActorMethod<unknown[], unknown> {
        const method = { remote: (...args: unknown[]) => call(this, name, args) };
        Object.defineProperty(this, name, { value: method });
        return method as ActorMethod<unknown[], unknown>;
      },
      enumerable: true,
    });
  }
  Object.defineProperty(prototype, portable, {
    value(this: object) {
      const { ref, template: own } = inners.get(this) as Inner;
      return [portableKind.actorHandle, [ref, own.id]] as const;
    },
  });
  Object.defineProperty(prototype, Symbol.for('nodejs.util.inspect.custom'), {
    value(this: object) {
      return `ActorHandle(${info.name})`;
    },
  });
  return prototype;
}

/** A handle to the actor that `ref` stands for. */
export function makeHandle(runtime: ThreadRuntime, ref: ObjectRef<unknown>, template: Template): object {
  const handle = Object.create(prototypeOf(runtime, template)) as object;
  inners.set(handle, { ref, template });
  return handle;
}

function call(handle: object, name: string, args: readonly unknown[]): unknown {
  const { ref, template } = inners.get(handle) as Inner;
  const runtime = requireRuntime();
  const actor = runtime.use(ref);
  const { info } = template;
  if (info.kind === 'actor' && info.maxPendingCalls >= 0) checkPending(runtime, actor, info.maxPendingCalls, info.name);
  const method = runtime.registry.method(template, name);
  if (method.info.generator) return runtime.submitStream(method, submit.call, args, actor);
  const result = runtime.newRef();
  try {
    runtime.submit(method, submit.call, args, [ObjectRef.index(result)], actor);
  } catch (error) {
    result[Symbol.dispose]();
    throw error;
  }
  return result;
}

function checkPending(runtime: ThreadRuntime, actor: number, limit: number, name: string): void {
  runtime.port.flush();
  const pending = runtime.addon.pendingCalls(runtime.port.id, actor);
  if (pending < limit) return;
  const advice = 'Wait for some of them, or raise maxPendingCalls.';
  throw new PendingCallsLimitError(
    `Actor '${name}' has ${pending} calls waiting, and its maxPendingCalls is ${limit}. ${advice}`,
  );
}

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

  /** @internal */
  constructor(remote: Remote<ResolvedActorOptions>) {
    this.#remote = remote;
    Object.defineProperty(this, portable, { value: () => remote.travel(requireRuntime()) });
  }

  /**
   * Creates an actor; its constructor runs in the thread where it will live.
   *
   * @throws {MobulaError} `ERR_MOBULA_ACTOR_NAME_TAKEN` when a live actor has the name and `getIfExists` is not set.
   */
  remote(...args: Args<ConstructorParameters<C>>): ActorHandle<C> {
    const runtime = requireRuntime();
    const template = this.#remote.template(runtime);
    if (runtime.watch !== undefined) runtime.recheck(this.#remote.code.source);
    const { options } = this.#remote;
    const ref = runtime.newRef();
    const index = ObjectRef.index(ref);
    const name = options.name === undefined ? undefined : fullName(runtime, options.name, options.namespace);
    if (name !== undefined) {
      const taken = runtime.addon.nameActor(runtime.port.id, index, name);
      if (taken >= 0) return this.#existing(runtime, ref, runtime.adoptRef(taken));
    }
    try {
      runtime.submit(template, submit.create, args, [index]);
    } catch (error) {
      if (name !== undefined) runtime.addon.forgetName(runtime.port.id, index, name);
      ref[Symbol.dispose]();
      throw error;
    }
    if (name !== undefined) {
      runtime.port.flush();
      runtime.addon.rememberName(runtime.port.id, index, name);
    }
    return makeHandle(runtime, ref, template) as ActorHandle<C>;
  }

  #existing(runtime: ThreadRuntime, unused: ObjectRef<unknown>, ref: ObjectRef<unknown>): ActorHandle<C> {
    unused[Symbol.dispose]();
    const { options } = this.#remote;
    if (!options.getIfExists) {
      ref[Symbol.dispose]();
      const advice = 'Use getActor(), or the option getIfExists, or another name.';
      throw new MobulaError(
        'ERR_MOBULA_ACTOR_NAME_TAKEN',
        `An actor is named '${String(options.name)}' already. ${advice}`,
      );
    }
    return handleOf(runtime, ref) as ActorHandle<C>;
  }

  /** The same class with other options. */
  options(options: ActorOptions): ActorClass<C> {
    return new ActorClass(this.#remote.with(resolveActorOptions(options, this.#remote.options)));
  }
}

/** The key under which the core knows a name. */
export function fullName(runtime: ThreadRuntime, name: string, namespace: string | undefined): string {
  return `${namespace ?? runtime.facts.namespace}/${name}`;
}

/** Milliseconds that an actor whose name another thread has just taken may need to be there. */
const BIRTH_MS = 1000;
const nap = new Int32Array(new SharedArrayBuffer(4));

/** A handle to the actor behind an object that the core has lent to this thread. */
export function handleOf(runtime: ThreadRuntime, ref: ObjectRef<unknown>): object {
  const identity = (): number | undefined => runtime.addon.actorIdentity(runtime.port.id, ObjectRef.index(ref))[1];
  let template = identity();
  // The name is taken first: the thread that took it is about to submit the creation.
  for (const end = performance.now() + BIRTH_MS; template === undefined && performance.now() < end; ) {
    Atomics.wait(nap, 0, 0, 1);
    template = identity();
  }
  if (template === undefined) throw new MobulaError('ERR_MOBULA_ACTOR_NOT_FOUND', 'The actor is gone.');
  return makeHandle(runtime, ref, runtime.registry.get(template));
}
