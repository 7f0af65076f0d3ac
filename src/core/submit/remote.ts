import type { ResolvedActorOptions, ResolvedTaskOptions } from '../../common/options.ts';
import { portable } from '../../store/codec/index.ts';
import type { ThreadRuntime } from '../runtime.ts';
import type { Template } from './template.ts';

/** How the runtime's own classes travel: the kind, and what stands for the thing. */
export const portableKind = { argument: 0, remote: 1, actorHandle: 2, error: 3, trace: 4 } as const;

/** Code that remote functions or actor classes with different options share. */
export interface Code {
  /** The function or class itself, where it was defined in this thread. */
  readonly source: Function | undefined;
  /** The runtime that `object` and `state` belong to. */
  runtime: ThreadRuntime | undefined;
  /** The object that holds it, or is to hold it; -1 before. */
  object: number;
  /** Whether workers can get it from there. It is being written while what it closes over is looked at. */
  state: 'absent' | 'being written' | 'there';
  /** Whether a template of it was told to anybody while it was being written. */
  told: boolean;
  /** The remotes there are for it, by their options. */
  readonly variants: Map<string, unknown>;
}

/** A remote function or actor class with its options, before and after it is registered with the core. */
export class Remote<Options extends ResolvedTaskOptions | ResolvedActorOptions> {
  readonly code: Code;
  readonly options: Options;
  /** Whether calls yield a stream, and the methods of an actor class. */
  readonly shape: RemoteShape;
  #template: Template | undefined;
  #registeredWith: ThreadRuntime | undefined;

  constructor(code: Code, options: Options, shape: RemoteShape) {
    this.code = code;
    this.options = options;
    this.shape = shape;
  }

  /** The template of this runtime; registers, and ships the code, on the first call. */
  template(runtime: ThreadRuntime): Template {
    const { code } = this;
    const known = this.registered(runtime);
    if (known === undefined || code.state === 'absent') return this.#register(runtime);
    if (code.state === 'being written') code.told = true;
    return known;
  }

  /** The template of this runtime, if it names the object that holds the code now. */
  registered(runtime: ThreadRuntime): Template | undefined {
    const template = this.#registeredWith === runtime ? this.#template : undefined;
    if (template === undefined || template.info.kind === 'method') return undefined;
    return template.info.code === this.code.object ? template : undefined;
  }

  #register(runtime: ThreadRuntime): Template {
    const { code } = this;
    if (code.runtime !== runtime) {
      // The objects of a runtime of before shutdown() are gone.
      code.runtime = runtime;
      code.object = -1;
      code.state = 'absent';
    }
    return runtime.registry.register(this, runtime);
  }

  /** The same code with other options; the same ones give the same remote, so that a call may name its options each time. */
  with(options: Options): Remote<Options> {
    const { variants } = this.code;
    const key = JSON.stringify(options);
    let variant = variants.get(key) as Remote<Options> | undefined;
    if (variant === undefined) {
      variant = new Remote(this.code, options, this.shape);
      variants.set(key, variant);
    }
    return variant;
  }

  /** Takes over a registration made in another thread. */
  adopt(runtime: ThreadRuntime, template: Template): this {
    this.#template = template;
    this.#registeredWith = runtime;
    return this;
  }

  /** What travels instead of it. */
  travel(runtime: ThreadRuntime): readonly [kind: number, payload: unknown] {
    const { id } = this.template(runtime);
    if (runtime.watch !== undefined) runtime.recheck(this.code.source);
    return [portableKind.remote, id];
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
