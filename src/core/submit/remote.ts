import type { ResolvedActorOptions, ResolvedTaskOptions } from '../../common/options.ts';
import { WeakValues } from '../../common/weak-values.ts';
import { portable } from '../../store/codec/hooks.ts';
import type { ObjectRef } from '../refs/object-ref.ts';
import type { ThreadRuntime } from '../runtime.ts';
import type { Registration, Template } from './template.ts';

/** How the runtime's own classes travel: the kind, and what stands for the thing. */
export const portableKind = { argument: 0, remote: 1, actorHandle: 2, error: 3, trace: 4 } as const;

type AnyOptions = ResolvedTaskOptions | ResolvedActorOptions;

/** Code that workers can get, or soon can: it may be written just now. */
export interface ShippedCode {
  /** The runtime that `object` belongs to. */
  readonly runtime: ThreadRuntime;
  /** The object that holds the code. */
  readonly object: number;
  /** What keeps that object: a ref, or, in the code itself, the number of a template. */
  readonly keeper: ObjectRef<unknown> | number;
}

/** Code that remote functions or actor classes with different options share. */
export class Code {
  /** The function or class itself, where it was defined in this thread. */
  readonly source: Function | undefined;
  shipped: ShippedCode | undefined;
  /** The remotes there are for it, by their options. */
  readonly variants: WeakValues<Remote<AnyOptions>> = new WeakValues();

  constructor(source: Function | undefined, shipped: ShippedCode | undefined) {
    this.source = source;
    this.shipped = shipped;
  }
}

/** A remote function or actor class with its options, before and after it is registered with the core. */
export class Remote<Options extends AnyOptions> {
  readonly code: Code;
  readonly options: Options;
  /** Whether calls yield a stream, and the methods of an actor class. */
  readonly shape: RemoteShape;
  #registration: Registration | undefined;
  #registeredWith: ThreadRuntime | undefined;
  /** Its template, where it came up in its own code: it does not keep what keeps itself. */
  #within: number | undefined;

  constructor(code: Code, options: Options, shape: RemoteShape) {
    this.code = code;
    this.options = options;
    this.shape = shape;
  }

  /**
   * The template of this runtime; registers, and ships the code, on the first call. A call that fails leaves nothing behind, so
   * the next begins anew.
   */
  template(runtime: ThreadRuntime): Template {
    if (this.#registeredWith === runtime) return (this.#registration as Registration).template;
    const { registry } = runtime;
    if (this.#within === undefined) return registry.register(this);
    // A task that is too late fails by itself. An actor's handle would be that of no actor.
    return this.shape.kind === 'task' ? registry.get(this.#within) : registry.borrow(this.#within).template;
  }

  /** The same code with other options; the same ones give the same remote, so that a call may name its options each time. */
  with(options: Options): Remote<Options> {
    const make = (): Remote<AnyOptions> => new Remote<AnyOptions>(this.code, options, this.shape);
    return this.code.variants.get(JSON.stringify(options), make) as Remote<AnyOptions> as Remote<Options>;
  }

  /** It is registered with `runtime`, for as long as the remote lives. */
  adopt(runtime: ThreadRuntime, registration: Registration): this {
    this.#registration = registration;
    this.#registeredWith = runtime;
    return this;
  }

  /** It came up in its own code, or in code that this leads to. */
  within(template: number): this {
    this.#within = template;
    return this;
  }

  /** It is not registered any more. */
  forget(): void {
    this.#registration = undefined;
    this.#registeredWith = undefined;
  }

  /** What travels instead of it: its number, and the ref that keeps it, unless it goes into its own code. */
  travel(runtime: ThreadRuntime): readonly [kind: number, payload: unknown] {
    const { registry } = runtime;
    const { id } = this.template(runtime);
    if (runtime.watch !== undefined) runtime.recheck(this.code.source);
    if (registry.isBeingShipped(id)) return [portableKind.remote, [null, id]];
    const { ref } = this.#registration ?? registry.borrow(id);
    return [portableKind.remote, [ref, id]];
  }
}

/** What the source of a function or class tells. */
export type RemoteShape =
  | { readonly kind: 'task'; readonly generator: boolean }
  | { readonly kind: 'actor'; readonly methods: readonly { readonly name: string; readonly generator: boolean }[] };

/** Stands for an argument that was a ref; replaced by its value before the function runs. */
export function argument(position: number): object {
  return { [portable]: () => [portableKind.argument, position] as const };
}
