import { MobulaError } from '../common/errors.ts';
import {
  type ActorOptions,
  actorDefaults,
  resolveActorOptions,
  resolveTaskOptions,
  type TaskOptions,
  taskDefaults,
} from '../common/options.ts';
import { ActorClass, type AnyClass } from '../core/actors/actor-class.ts';
import { classShape } from '../core/actors/class-shape.ts';
import { isGenerator } from '../core/submit/is-generator.ts';
import { Code, Remote } from '../core/submit/remote.ts';
import { RemoteFunction, type Returns } from '../core/submit/remote-function.ts';

/** Any function. */
// biome-ignore lint/suspicious/noExplicitAny: only `any` accepts every parameter list
type AnyFunction = (...args: any[]) => unknown;

/**
 * Makes a function, or a class, remote.
 *
 * The function runs in workers with what it closes over: imports, constants, helpers, other remote functions, refs and
 * actor handles. `docs/functions.md` says what travels and how.
 *
 * @throws {MobulaError} `ERR_MOBULA_INVALID_ARGUMENT` when given something else.
 * @example
 * const square = remote((x: number) => x * x);
 * console.log(await get(square.remote(7))); // 49
 * const Counter = remote(class { #n = 0; inc() { return ++this.#n; } }, { maxRestarts: 3 });
 * console.log(await get(Counter.remote().inc.remote())); // 1
 */
export function remote<C extends AnyClass>(actor: C, options?: ActorOptions): ActorClass<C>;
export function remote<A extends unknown[], R, const O extends TaskOptions = TaskOptions>(
  task: (...args: A) => R,
  options?: O,
): RemoteFunction<A, R, Returns<O, 1>>;
export function remote(code: AnyFunction | AnyClass, options: TaskOptions & ActorOptions = {}): unknown {
  if (typeof code !== 'function') {
    const shown = code === null ? 'null' : typeof code;
    throw new MobulaError('ERR_MOBULA_INVALID_ARGUMENT', `remote() was given ${shown}; give it a function or a class.`);
  }
  const shared = new Code(code, undefined);
  if (isClass(code)) {
    return ActorClass.of(new Remote(shared, resolveActorOptions(options, actorDefaults), classShape(code)));
  }
  const generator = isGenerator(code as AnyFunction);
  const named = { ...taskDefaults, name: code.name === '' ? taskDefaults.name : code.name };
  const resolved = resolveTaskOptions(options, named);
  if (generator && resolved.numReturns > 1) {
    throw new MobulaError('ERR_MOBULA_INVALID_OPTION', 'A generator yields a stream; it takes no numReturns.');
  }
  return RemoteFunction.of(new Remote(shared, resolved, { kind: 'task', generator }), options.signal);
}

function isClass(code: AnyFunction | AnyClass): code is AnyClass {
  return /^class\b/.test(Function.prototype.toString.call(code));
}
