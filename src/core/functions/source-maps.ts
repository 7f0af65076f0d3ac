import Module from 'node:module';
import { toPath } from './modules.ts';
import type { ShippedFile } from './shipped.ts';

/** Whether this thread maps its stack traces. */
export function usesSourceMaps(): boolean {
  // On Node 20 before 20.19 only the flag tells.
  return Boolean(Reflect.get(process, 'sourceMapsEnabled')) || process.execArgv.includes('--enable-source-maps');
}

// Node drops a source map with the module that brought it.
const adopted = new Map<string, Module>();

/**
 * Makes this thread map stack traces of functions of `file`. Node reads source maps of the modules it loads only; `file` itself may be the entry script,
 * which no worker loads. So an empty module takes its place.
 */
export function adoptSourceMap({ url, sourceMap }: ShippedFile): void {
  if (sourceMap === undefined || adopted.has(url)) return;
  const path = toPath(url);
  if (path === undefined) return;
  const module = new Module(path);
  adopted.set(url, module);
  const compile: unknown = Reflect.get(module, '_compile');
  if (typeof compile !== 'function') return;
  process.setSourceMapsEnabled(true);
  try {
    Reflect.apply(compile, module, [`\n//# sourceMappingURL=${sourceMap}`, path, 'commonjs']);
  } catch {
    // Without the map, stack traces show the compiled file.
  }
}
