import type { Addon, StoreStats } from '../../src/native/addon.ts';

/** What the tests need of a thread's runtime; it is found where all copies of mobula share it. */
export interface Inside {
  readonly addon: Addon;
  readonly port: { readonly id: number; flush(): void };
}

interface Shared {
  readonly runtime: Inside | undefined;
}

export function inside(): Inside {
  const shared: unknown = Reflect.get(globalThis, Symbol.for('mobula.runtime'));
  const runtime = (shared as Shared | undefined)?.runtime;
  if (runtime === undefined) throw new Error('no runtime is up');
  return runtime;
}

/** Tasks that have not ended, calls of actors included. */
export function liveTasks(): number {
  const { addon, port } = inside();
  port.flush();
  return addon.liveTasks();
}

/** How full the object store is. */
export function storeStats(): StoreStats {
  const { addon, port } = inside();
  port.flush();
  return addon.storeStats(port.id);
}

/** Templates that have not ended, and objects that hold code. */
export function templatesInUse(): { templates: number; codes: number } {
  const { addon, port } = inside();
  port.flush();
  const [templates = -1, codes = -1] = addon.templatesInUse();
  return { templates, codes };
}
