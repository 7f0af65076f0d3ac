/** Loads mobula's one file, `all.cjs`, and keeps what V8 made of it, so that a worker thread need not compile it again. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const file = join(dirname(fileURLToPath(import.meta.url)), 'all.cjs');

type Main = (
  exports: object,
  require: NodeJS.Require,
  module: { exports: object },
  filename: string,
  folder: string,
) => void;

let loaded: { readonly script: Script; readonly module: { exports: object } } | undefined;
let compiled: Uint8Array<SharedArrayBuffer> | undefined;

/** What mobula exports. `cache`: what `codeCache` gave in another thread; V8 ignores one that does not fit. */
export function loadCode(cache?: Uint8Array): object {
  if (loaded === undefined) {
    // A test runner's own world has constructors of its own: mobula has to live there, too.
    if (new Script('Object').runInThisContext() !== Object) return createRequire(import.meta.url)(file) as object;
    const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(file, 'utf8')}\n})`;
    const script = new Script(source, { filename: file, ...(cache && { cachedData: cache }) });
    const module = { exports: {} };
    // Before it runs: what it imports may ask for it.
    loaded = { script, module };
    try {
      (script.runInThisContext() as Main)(module.exports, createRequire(file), module, file, dirname(file));
    } catch (error) {
      // No binary that fits, say: who asks again gets that error, too.
      loaded = undefined;
      throw error;
    }
  }
  return loaded.module.exports;
}

/** The compiled code, for other threads; nothing where mobula was not loaded by `loadCode`. */
export function codeCache(): Uint8Array<SharedArrayBuffer> | undefined {
  if (compiled === undefined && loaded !== undefined) {
    const bytes = loaded.script.createCachedData();
    compiled = new Uint8Array(new SharedArrayBuffer(bytes.length));
    compiled.set(bytes);
  }
  return compiled;
}
