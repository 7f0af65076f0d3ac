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
import { Remote } from '../core/submit/remote.ts';
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
  const shared = {
    source: code,
    runtime: undefined,
    object: -1,
    problem: undefined,
    variants: new Map<string, unknown>(),
  };
  if (isClass(code)) {
    const shape = { kind: 'actor', methods: methodsOf(code) } as const;
    return ActorClass.of(new Remote(shared, resolveActorOptions(options, actorDefaults), shape));
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

const generators = [function* () {}, async function* () {}].map((sample) => sample.constructor);

function isGenerator(code: AnyFunction): boolean {
  return generators.some((generator) => code instanceof generator);
}

/** The class's methods, inherited ones included. */
function methodsOf(actor: AnyClass): { name: string; generator: boolean }[] {
  const methods = new Map<string, boolean>();
  for (let proto = actor.prototype as object | null; proto !== null && proto !== Object.prototype; ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(proto))) {
      if (name !== 'constructor' && typeof value === 'function' && !methods.has(name)) {
        methods.set(name, isGenerator(value as AnyFunction));
      }
    }
    proto = Object.getPrototypeOf(proto) as object | null;
  }
  return [...methods].map(([name, generator]) => ({ name, generator }));
}
