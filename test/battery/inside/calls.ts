import { ActorDiedError, get, kill, ObjectRef, ObjectRefStream, remote, TaskError } from 'mobula';
import { errorClass } from './difference.ts';
import type { Call } from './program.ts';

// biome-ignore lint/suspicious/noExplicitAny: functions of any kind
type Any = any;

/** Runs a program's functions as plain calls. */
export function callsHere(): Call {
  const call = async (fn: Any, ...args: Any[]): Promise<unknown> => collect(await fn(...args));
  return Object.assign(call, { remotely: false, actor: instanceHere });
}

/** Runs them in workers. `complain` is told of whatever is wrong with an error beside what was thrown. */
export function callsThere(complain: (problem: string) => void): { readonly call: Call; readonly end: () => void } {
  const functions = new Map<unknown, Any>();
  const handles: Any[] = [];
  const call = async (fn: Any, ...args: Any[]): Promise<unknown> => {
    if (!functions.has(fn)) functions.set(fn, remote(fn));
    try {
      return await awaited(functions.get(fn).remote(...args));
    } catch (error) {
      throw thrownThere(error, complain);
    }
  };
  const actor = (type: Any, ...args: Any[]): unknown => {
    const handle: Any = (remote(type) as Any).remote(...args);
    handles.push(handle);
    return methods(async (name, values) => {
      try {
        return await awaited(handle[name].remote(...values));
      } catch (error) {
        throw thrownThere(error, complain);
      }
    });
  };
  const end = (): void => {
    for (const handle of handles) void kill(handle).catch(() => {});
  };
  return { call: Object.assign(call, { remotely: true, actor }), end };
}

function instanceHere(type: Any, ...args: Any[]): unknown {
  let instance: Any;
  let failure: { readonly error: unknown } | undefined;
  try {
    instance = new type(...args);
  } catch (error) {
    failure = { error };
  }
  return methods(async (name, values) => {
    if (failure !== undefined) throw failure.error;
    return collect(await instance[name](...values));
  });
}

/** An object that has every method. It is no thenable. */
function methods(run: (name: string, args: readonly unknown[]) => Promise<unknown>): unknown {
  const method = (_target: object, name: string | symbol): unknown =>
    name === 'then' || typeof name === 'symbol' ? undefined : (...args: unknown[]) => run(name, args);
  return new Proxy({}, { get: method });
}

async function awaited(ref: unknown): Promise<unknown> {
  if (ref instanceof ObjectRefStream) {
    const items: unknown[] = [];
    for await (const item of ref) items.push(await get(item));
    return items;
  }
  if (Array.isArray(ref) && ref.every((item) => item instanceof ObjectRef)) return get(ref);
  return get(ref as ObjectRef<unknown>);
}

async function collect(value: Any): Promise<unknown> {
  const generator = Object.prototype.toString.call(value);
  if (generator !== '[object Generator]' && generator !== '[object AsyncGenerator]') return value;
  const items: unknown[] = [];
  for await (const item of value) items.push(item);
  return items;
}

/** What user code threw in the worker, out of the error that carries it. */
function thrownThere(error: unknown, complain: (problem: string) => void): unknown {
  if (error instanceof ActorDiedError && error.cause !== undefined) return thrownThere(error.cause, complain);
  if (!(error instanceof TaskError)) return error;
  const { cause } = error;
  const type = typeof cause === 'object' && cause !== null ? errorClass(cause) : undefined;
  const global = type !== undefined && type !== AggregateError && type !== DOMException;
  if (global && !(error instanceof type)) complain(`the TaskError is no ${type.name}`);
  if (cause instanceof Error && !String(error.stack).includes(cause.message)) {
    complain(`the TaskError's stack does not show ${cause.message}`);
  }
  return cause;
}
