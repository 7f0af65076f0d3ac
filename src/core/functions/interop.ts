import type { Interop } from './shipped.ts';

/** Reshapes a module as compiled code would have. */
export function applyInterop(module: unknown, interop: Interop): unknown {
  const isCompiled = isObject(module) && Boolean(Reflect.get(module, '__esModule'));
  switch (interop) {
    case 'none':
      return module;
    case 'default':
      return isCompiled ? module : { default: module };
    case 'namespace':
      return isCompiled ? module : namespaceOf(module);
    case 'namespace-node':
      // esbuild's node mode: `default` is the whole module, whatever it says of itself.
      return namespaceOf(module);
    case 'vite': {
      // Vite finds in `default` what a CommonJS module did not export by name.
      const fallback: unknown = isObject(module) ? Reflect.get(module, 'default') : undefined;
      return Object.assign(Object.create(isObject(fallback) ? fallback : null) as object, module);
    }
  }
}

/** An object like the namespace `import * as` gives for a CommonJS module. */
export function namespaceOf(module: unknown): object {
  const namespace: object = {};
  if (isObject(module)) {
    for (const key of Object.getOwnPropertyNames(module)) {
      if (key === 'default') continue;
      Object.defineProperty(namespace, key, { get: () => Reflect.get(module, key) as unknown, enumerable: true });
    }
  }
  return Object.defineProperty(namespace, 'default', { value: module, enumerable: true });
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
