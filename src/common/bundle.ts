/**
 * Loads the parts of mobula's bundle (`scripts/build-js.mjs`), each when it is first needed, and keeps what V8 made of them, so
 * that a worker thread need not read and compile them again.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Script } from 'node:vm';

/**
 * A part, by the module whose exports it has: the public names, a driver's node, a worker's program, the capture of functions,
 * what joins a cluster.
 */
export type PartName = 'index' | 'driver' | 'worker' | 'capture' | 'cluster';

/** The files of each part, its own last. Their names have a hash of what is in them: two builds are never mixed. */
declare const PARTS: Readonly<Record<PartName, readonly string[]>>;

/** A file as it is compiled, and what V8 made of it. */
interface Compiled {
  readonly source: Uint8Array<SharedArrayBuffer>;
  readonly cache: Uint8Array<SharedArrayBuffer>;
}

/** Files for another thread, by name. */
export interface PackedCode {
  readonly files: Readonly<Record<string, Compiled>>;
}

interface File {
  readonly source: string;
  readonly script: Script;
  readonly module: { exports: object };
  /** Whether it has run, or runs just now. */
  begun: boolean;
}

interface State {
  readonly files: Map<string, File>;
  /** What was packed. */
  readonly packed: Map<PartName, PackedCode>;
  /** What another thread has packed for this one. */
  given: PackedCode['files'];
}

type Main = (
  exports: object,
  require: (name: string) => unknown,
  module: { exports: object },
  filename: string,
  folder: string,
) => void;

const folder = import.meta.dirname;
/** What the files of the bundle import that is not of the bundle. */
const outside = createRequire(path.join(folder, 'bundle.cjs'));
const key = Symbol.for(`mobula.bundle ${folder}`);
const holder = globalThis as { [key]?: State };
holder[key] ??= { files: new Map(), packed: new Map(), given: {} };
/** However often this module is evaluated, there is one copy of each class. */
const state = holder[key];

/**
 * Whether this is a world of its own, with constructors of its own, that a test runner has made. mobula has to live there, too:
 * Node's modules come from the other world.
 */
const isForeign = Object.getPrototypeOf(path) !== Object.prototype;

/** What a part exports. The first call in a thread loads it. */
export function part(name: PartName): object {
  const file = PARTS[name].at(-1) as string;
  return isForeign ? (outside(`./${file}`) as object) : run(file);
}

/** Code that another thread has packed: used for what is loaded from now on. V8 ignores what does not fit. */
export function unpack(code: PackedCode): void {
  state.given = code.files;
}

/** A part for another thread, compiled as far as it is in this thread when it is first asked for; empty where a test runner loads it. */
export function pack(name: PartName): PackedCode {
  const known = state.packed.get(name);
  if (known !== undefined) return known;
  const files: Record<string, Compiled> = {};
  if (isForeign) return { files };
  for (const file of PARTS[name]) {
    const { source, script } = compiled(file);
    files[file] = { source: shared(Buffer.from(source, 'latin1')), cache: shared(script.createCachedData()) };
  }
  state.packed.set(name, { files });
  return { files };
}

function shared(bytes: Uint8Array): Uint8Array<SharedArrayBuffer> {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

function compiled(name: string): File {
  let file = state.files.get(name);
  if (file === undefined) {
    const filename = path.join(folder, name);
    const given = state.given[name];
    // The build writes nothing but ASCII.
    const source = given === undefined ? read(filename) : Buffer.from(given.source.buffer).toString('latin1');
    const script = new Script(source, { filename, ...(given && { cachedData: given.cache }) });
    file = { source, script, module: { exports: {} }, begun: false };
    state.files.set(name, file);
  }
  return file;
}

function read(filename: string): string {
  return `(function (exports, require, module, __filename, __dirname) {${readFileSync(filename, 'utf8')}\n})`;
}

function run(name: string): object {
  const file = compiled(name);
  const { module, script } = file;
  if (file.begun) return module.exports;
  // Before it runs: what it imports may ask for it.
  file.begun = true;
  try {
    const filename = path.join(folder, name);
    const require = (request: string): unknown => {
      if (!request.startsWith('./')) return outside(request);
      return request === './bundle.cjs' ? { part, pack } : run(request.slice(2));
    };
    (script.runInThisContext() as Main)(module.exports, require, module, filename, folder);
  } catch (error) {
    // No binary that fits, say: the next call gets that error, too.
    state.files.delete(name);
    throw error;
  }
  return module.exports;
}
