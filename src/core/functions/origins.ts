import type { Binding } from './scope.ts';
import { type AnyFunction, isWrapperName, reachable, type Shipped, type ShippedFunction } from './shipped.ts';

// A function that came to this thread may have to travel on, to a task it starts. What it was made from says more than its text does: a name that was
// an import is only a value by now.
const byFunction = new WeakMap<AnyFunction, ShippedFunction>();
const byWrapper = new Map<string, WeakRef<ShippedFunction>>();
const collected = new FinalizationRegistry<string>((wrapper) => byWrapper.delete(wrapper));

/** Remembers what `fn` was made from, and the name of the wrapper it was made in, if no other was made there. */
export function rememberOrigin(fn: AnyFunction, shipped: ShippedFunction, wrapper: string | undefined): void {
  byFunction.set(fn, shipped);
  if (wrapper === undefined) return;
  byWrapper.set(wrapper, new WeakRef(shipped));
  collected.register(shipped, wrapper);
}

/** What a function of this thread was made from, if it came from another and can be sent on like that. */
export function originOf(fn: AnyFunction): ShippedFunction | undefined {
  const shipped = byFunction.get(fn);
  return shipped && isUnpatched(shipped) ? shipped : undefined;
}

/** What a captured name was made from, in the wrapper of this name. */
export function originOfName(wrapper: string, name: string): Shipped | undefined {
  const shipped = byWrapper.get(wrapper)?.deref()?.captures.get(name);
  return shipped && isUnpatched(shipped) ? shipped : undefined;
}

/** Data with functions in it has been given its functions here, so it is no longer what came. */
function isUnpatched(shipped: Shipped): boolean {
  for (const item of reachable(shipped)) if (item.kind === 'data' && item.patches.length > 0) return false;
  return true;
}

/** The name of the wrapper around a function that came from another thread, if the variable is one of what it was sent with. */
export function wrapperOf({ scope: { node } }: Binding): string | undefined {
  if (node.type !== 'FunctionExpression' || !('id' in node)) return undefined;
  const name = (node.id as { readonly name: string } | null)?.name ?? '';
  return isWrapperName(name) ? name : undefined;
}

/** Whether the variable is one of what a function that came from another thread was sent with. */
export function isWrapped(binding: Binding): boolean {
  return wrapperOf(binding) !== undefined;
}
