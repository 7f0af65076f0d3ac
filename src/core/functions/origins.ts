import type { AnyFunction, ShippedFunction } from './shipped.ts';

// A function that came to this thread may have to travel on, to a task it starts. What it was made from says more than its text does: a name that was
// an import is only a value by now.
const byFunction = new WeakMap<AnyFunction, ShippedFunction>();
const byWrapper = new Map<string, WeakRef<ShippedFunction>>();
const collected = new FinalizationRegistry<string>((wrapper) => byWrapper.delete(wrapper));

/** Remembers what `fn` was made from, and the name of the wrapper it was made in. */
export function rememberOrigin(fn: AnyFunction, shipped: ShippedFunction, wrapper: string): void {
  byFunction.set(fn, shipped);
  byWrapper.set(wrapper, new WeakRef(shipped));
  collected.register(shipped, wrapper);
}

/** What a function of this thread was made from, if it came from another. */
export function originOf(fn: AnyFunction): ShippedFunction | undefined {
  return byFunction.get(fn);
}

/** What was made in the wrapper of this name. */
export function originOfWrapper(wrapper: string): ShippedFunction | undefined {
  return byWrapper.get(wrapper)?.deref();
}
