const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `action` when `signal` aborts. A signal gets one listener, however many wait for it: Node takes many for a leak, and
 * warns. Gives a function that takes the wish back.
 */
export function onAbort(signal: AbortSignal, action: () => void): () => void {
  let actions = waiting.get(signal);
  if (actions === undefined) {
    const all = new Set<() => void>();
    const run = (): void => {
      waiting.delete(signal);
      for (const each of all) each();
    };
    signal.addEventListener('abort', run, { once: true });
    waiting.set(signal, all);
    actions = all;
  }
  const own = actions;
  own.add(action);
  return () => own.delete(action);
}
